package plugin

import (
	"context"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// maxTried is how many of the best nodes are asked of all filters before the scheduler asks all nodes.
const maxTried = 32

// narrowed is a profile whose pods are first tried where the packing engine would have them. Stock kube-scheduler filters and scores all
// nodes for each pod; the engine knows the best without looking at any, and what is left to ask is whether the filters agree.
type narrowed struct {
	framework.Framework
}

// Narrow makes a profile look at the best nodes first. The result is the same: where it cannot be, because the pod prefers some nodes for
// reasons of its own or an extender has a say, nothing is narrowed.
func Narrow(profile framework.Framework) framework.Framework { return narrowed{profile} }

// RunPreFilterPlugins narrows what they answer to the one node that they and all filters agree to.
func (n narrowed) RunPreFilterPlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod) (*fwk.PreFilterResult, *fwk.Status, sets.Set[string]) {
	result, status, plugins := n.Framework.RunPreFilterPlugins(ctx, state, pod)
	if !status.IsSuccess() || len(n.Extenders()) > 0 || prefers(pod) {
		return result, status, plugins
	}
	w, err := readWanted(state)
	if err != nil || !w.ranked || w.scorer.fleet.cards == nil {
		return result, status, plugins // a profile without the plugin, or with it in another mode
	}
	if node := n.findBest(ctx, state, pod, w, result); node != "" {
		return &fwk.PreFilterResult{NodeNames: sets.New(node)}, status, plugins
	}
	return result, status, plugins
}

func (n narrowed) findBest(ctx context.Context, state fwk.CycleState, pod *v1.Pod, w *wanted, allowed *fwk.PreFilterResult) (best string) {
	fleet, tried := w.scorer.fleet, 0
	fleet.cards.Walk(&w.shape, func(node int) bool {
		info := fleet.infos[node]
		tried++
		if avoids(info.Node()) {
			return false
		}
		name := info.Node().Name
		if (allowed.AllNodes() || allowed.NodeNames.Has(name)) && n.RunFilterPluginsWithNominatedPods(ctx, state, pod, info).IsSuccess() {
			best = name
			return false
		}
		return tried < maxTried
	})
	return best
}

// prefers says whether the pod would rather be on some nodes than on others.
func prefers(pod *v1.Pod) bool {
	for i := range pod.Spec.TopologySpreadConstraints {
		if pod.Spec.TopologySpreadConstraints[i].WhenUnsatisfiable == v1.ScheduleAnyway {
			return true
		}
	}
	affinity := pod.Spec.Affinity
	if affinity == nil {
		return false
	}
	return affinity.NodeAffinity != nil && len(affinity.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution) > 0 ||
		affinity.PodAffinity != nil && len(affinity.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution) > 0 ||
		affinity.PodAntiAffinity != nil && len(affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution) > 0
}

// avoids says whether the node would rather have other pods, or some of them.
func avoids(node *v1.Node) bool {
	return slices.ContainsFunc(node.Spec.Taints, func(each v1.Taint) bool { return each.Effect == v1.TaintEffectPreferNoSchedule })
}
