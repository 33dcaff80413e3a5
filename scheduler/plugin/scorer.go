package plugin

import (
	"context"
	"errors"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/set"

	"commonpool.dev/scheduler/packing"
)

// milli is how the packing engine counts accelerators.
const milli = 1000

// scorer ranks nodes by what placing the pod there would cost the pool.
type scorer struct {
	uncounted    set.Set[string]
	accelerators []v1.ResourceName
	mix          []packing.Class
}

var (
	_ fwk.PreScorePlugin  = (*scorer)(nil)
	_ fwk.ScorePlugin     = (*scorer)(nil)
	_ fwk.ScoreExtensions = (*scorer)(nil)
)

func newScorer(args Args) *scorer {
	s := &scorer{uncounted: set.New(args.UncountedResources...)}
	for _, name := range args.AcceleratorResources {
		s.accelerators = append(s.accelerators, v1.ResourceName(name))
	}
	for _, class := range args.WorkloadMix {
		shape := amounts(class.Accelerators, class.CPUMilli, class.MemoryBytes, 1)
		s.mix = append(s.mix, packing.Class{Shape: shape, Weight: class.Weight})
	}
	return s
}

// Name of the plugin.
func (s *scorer) Name() string { return Name }

// scoredPod is the pod's request, read once for all nodes.
type scoredPod struct {
	resource v1.ResourceName // its accelerator; empty if it asks for none
	amounts  packing.Amounts
}

func (p *scoredPod) Clone() fwk.StateData { return p }

const scoredPodKey = fwk.StateKey(Name + "/scored")

// PreScore reads the pod.
func (s *scorer) PreScore(_ context.Context, state fwk.CycleState, pod *v1.Pod, _ []fwk.NodeInfo) *fwk.Status {
	request := readRequest(pod, s.uncounted)
	scored := &scoredPod{amounts: amounts(0, request.CPUMilli, request.MemoryBytes, 1)}
	for _, amount := range request.Accelerators {
		if name := v1.ResourceName(amount.Resource); s.accelerator(func(known v1.ResourceName) bool { return known == name }) != "" {
			scored.resource, scored.amounts[packing.GPU] = name, amount.Count*milli
			break
		}
	}
	state.Write(scoredPodKey, scored)
	return nil
}

// Score is what the mix of workloads would lose, negated: NormalizeScore turns
// the least loss into the best score.
func (s *scorer) Score(_ context.Context, state fwk.CycleState, _ *v1.Pod, node fwk.NodeInfo) (int64, *fwk.Status) {
	data, err := state.Read(scoredPodKey)
	if err != nil {
		return 0, fwk.AsStatus(err)
	}
	scored, ok := data.(*scoredPod)
	if !ok {
		return 0, fwk.AsStatus(errors.New("the state of the cycle is not a pod's request"))
	}
	resource := scored.resource
	capacity := node.GetAllocatable().GetScalarResources()
	if resource == "" { // a pod of processors only should not break up accelerators
		resource = s.accelerator(func(known v1.ResourceName) bool { return capacity[known] > 0 })
	}
	loss, fits := packing.ScoreNode(freeOf(node, resource), scored.amounts, s.mix)
	if !fits {
		return unfit, nil
	}
	return -loss, nil
}

// unfit ranks a node below all others: by the packing engine's count it is full,
// although the filters let it pass.
const unfit = -1 << 62

// ScoreExtensions normalises.
func (s *scorer) ScoreExtensions() fwk.ScoreExtensions { return s }

// NormalizeScore spreads the scores over the range that the scheduler expects.
func (s *scorer) NormalizeScore(_ context.Context, _ fwk.CycleState, _ *v1.Pod, scores fwk.NodeScoreList) *fwk.Status {
	best, worst := int64(unfit), int64(-unfit)
	for _, each := range scores {
		if each.Score != unfit {
			best, worst = max(best, each.Score), min(worst, each.Score)
		}
	}
	for i := range scores {
		switch {
		case scores[i].Score == unfit:
			scores[i].Score = fwk.MinScore
		case best == worst:
			scores[i].Score = fwk.MaxScore
		default:
			span := fwk.MaxScore - fwk.MinScore
			scores[i].Score = fwk.MinScore + (scores[i].Score-worst)*span/(best-worst)
		}
	}
	return nil
}

func (s *scorer) accelerator(wanted func(v1.ResourceName) bool) v1.ResourceName {
	for _, each := range s.accelerators {
		if wanted(each) {
			return each
		}
	}
	return ""
}

func freeOf(node fwk.NodeInfo, resource v1.ResourceName) packing.Amounts {
	capacity, used := node.GetAllocatable(), node.GetRequested()
	return amounts(
		capacity.GetScalarResources()[resource]-used.GetScalarResources()[resource],
		capacity.GetMilliCPU()-used.GetMilliCPU(),
		capacity.GetMemory()-used.GetMemory(),
		int64(capacity.GetAllowedPodNumber()-len(node.GetPods())),
	)
}

func amounts(accelerators, cpuMilli, memoryBytes, pods int64) packing.Amounts {
	var vector packing.Amounts
	vector[packing.GPU], vector[packing.CPU], vector[packing.Memory], vector[packing.Pods] = accelerators*milli, cpuMilli, memoryBytes, pods
	return vector
}
