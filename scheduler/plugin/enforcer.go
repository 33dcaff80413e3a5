package plugin

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/set"

	"commonpool.dev/scheduler/rounds"
)

// enforcer is the plugin in mode Enforce. All it knows is in the index, which
// only the watches fill: the extension points ask it.
type enforcer struct {
	uncounted set.Set[string]
	index     *rounds.Index
	binder    boundedBinder
	handle    fwk.Handle
	logger    klog.Logger
}

var (
	_ fwk.PreEnqueuePlugin  = (*enforcer)(nil)
	_ fwk.EnqueueExtensions = (*enforcer)(nil)
	_ fwk.PreFilterPlugin   = (*enforcer)(nil)
	_ fwk.FilterPlugin      = (*enforcer)(nil)
	_ fwk.PostFilterPlugin  = (*enforcer)(nil)
	_ fwk.ReservePlugin     = (*enforcer)(nil)
	_ fwk.PostBindPlugin    = (*enforcer)(nil)
)

func newEnforcer(ctx context.Context, args Args, handle fwk.Handle) (*enforcer, error) {
	binder, err := newBoundedBinder(ctx, handle)
	if err != nil {
		return nil, err
	}
	e := &enforcer{
		uncounted: set.New(args.UncountedResources...),
		index:     rounds.NewIndex(),
		binder:    binder,
		handle:    handle,
		logger:    klog.LoggerWithName(klog.FromContext(ctx), Name),
	}
	if err := registerMetrics(handle.ProfileName(), e.index); err != nil {
		return nil, fmt.Errorf("one process serves one profile of the pool: %w", err)
	}
	if err := e.watch(ctx, args); err != nil {
		return nil, err
	}
	return e, nil
}

// Name of the plugin.
func (e *enforcer) Name() string { return Name }

// PreEnqueue holds a pod until a Round has a place for it. It runs under the
// scheduling queue's lock and writes nothing.
func (e *enforcer) PreEnqueue(_ context.Context, pod *v1.Pod) *fwk.Status {
	verdict := e.index.Find(string(pod.UID))
	if verdict.Wait == rounds.Go {
		return nil
	}
	return e.refuse(verdict)
}

// EventsToRegister names an event that never helps a held pod: without any, a
// plugin is asked again on all events of the cluster. Pods are woken by wake.
func (e *enforcer) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	event := fwk.ClusterEvent{Resource: fwk.TargetPod, ActionType: fwk.UpdatePodSchedulingGatesEliminated}
	return []fwk.ClusterEventWithHint{{Event: event}}, nil
}

// pinnedNode is the node that PreFilter found, for Filter.
type pinnedNode string

func (p pinnedNode) Clone() fwk.StateData { return p }

// PreFilter sends the pod to its node. Where the pod does not fit there, it waits
// for room or for another Round; no other node is tried.
func (e *enforcer) PreFilter(_ context.Context, state fwk.CycleState, pod *v1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	verdict := e.index.Find(string(pod.UID))
	if verdict.Wait != rounds.Go {
		return nil, e.refuse(verdict)
	}
	if _, err := e.handle.SnapshotSharedLister().NodeInfos().Get(verdict.Node); err != nil {
		// Rounds and nodes come by watches of their own. A refusal would be looked at again in five minutes, an error is in a second.
		return nil, fwk.AsStatus(fmt.Errorf("node `%s`, which a Round promised, is not known here yet: %w", verdict.Node, err))
	}
	state.Write(Name, pinnedNode(verdict.Node))
	return &fwk.PreFilterResult{NodeNames: sets.New(verdict.Node)}, nil
}

// PreFilterExtensions is nil: the pin does not depend on other pods.
func (e *enforcer) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// Filter guards the pin where the scheduler does not ask PreFilter: a node that
// was nominated in an earlier attempt is tried first.
func (e *enforcer) Filter(_ context.Context, state fwk.CycleState, _ *v1.Pod, node fwk.NodeInfo) *fwk.Status {
	pinned, err := state.Read(Name)
	if err != nil {
		return fwk.AsStatus(err)
	}
	if name, ok := pinned.(pinnedNode); !ok || string(name) != node.Node().Name {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "is not the node that was promised")
	}
	return nil
}

// PostFilter ends the chain before any preemption: only the operator evicts.
func (e *enforcer) PostFilter(context.Context, fwk.CycleState, *v1.Pod, fwk.NodeToStatusReader) (*fwk.PostFilterResult, *fwk.Status) {
	return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "the pod waits for the node that a Round promised; nothing is preempted for it")
}

// Reserve keeps the place while the pod is being bound. A Round that was withdrawn
// since PreFilter is noticed here.
func (e *enforcer) Reserve(_ context.Context, _ fwk.CycleState, pod *v1.Pod, node string) *fwk.Status {
	if e.index.Commit(string(pod.UID), node) {
		return nil
	}
	return e.refuse(rounds.Verdict{Wait: rounds.NoRound, Message: fmt.Sprintf("node `%s` is no longer promised to it", node)})
}

// Unreserve gives the place back to what Rounds say now.
func (e *enforcer) Unreserve(_ context.Context, _ fwk.CycleState, pod *v1.Pod, _ string) {
	e.wake(e.index.Release(string(pod.UID)))
}

// PostBind tells the index at once what the watch will tell it again.
func (e *enforcer) PostBind(_ context.Context, _ fwk.CycleState, pod *v1.Pod, node string) {
	e.wake(e.index.PutPod(readPod(pod, e.uncounted), node))
}

func (e *enforcer) refuse(verdict rounds.Verdict) *fwk.Status {
	refusals.WithLabelValues(e.handle.ProfileName(), string(verdict.Wait)).Inc()
	return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, verdict.Message)
}

// wake moves pods whose place is new to the active queue. It must not be called
// with a lock held that PreEnqueue takes: the queue calls PreEnqueue under its own.
// To wake a pod twice, or one that is gone, does no harm.
func (e *enforcer) wake(pods []rounds.Ref) {
	if len(pods) == 0 {
		return
	}
	named := make(map[string]*v1.Pod, len(pods))
	for _, ref := range pods {
		named[ref.UID] = &v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: ref.Namespace, Name: ref.Name, UID: types.UID(ref.UID)}}
	}
	e.handle.Activate(e.logger, named)
}
