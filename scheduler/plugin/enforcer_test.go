package plugin

import (
	"slices"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	schedulercache "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"commonpool.dev/scheduler/rounds"
)

// queue stands for the scheduler's: only what the plugin asks of it.
type queue struct {
	fwk.Handle

	woken []string
	nodes []*v1.Node
}

func (q *queue) SnapshotSharedLister() fwk.SharedLister {
	return schedulercache.NewSnapshot(nil, q.nodes)
}

func (q *queue) ProfileName() string { return "commonpool" }

func (q *queue) Activate(_ klog.Logger, pods map[string]*v1.Pod) {
	for _, pod := range pods {
		q.woken = append(q.woken, pod.Name)
	}
	slices.Sort(q.woken)
}

func newTestEnforcer(t *testing.T) (*enforcer, *queue) {
	t.Helper()
	woken := &queue{nodes: []*v1.Node{node("gpu-1", 8, 8)}}
	e := &enforcer{index: rounds.NewIndex(), handle: woken, logger: klog.Background()}
	e.index.Open()
	return e, woken
}

func barePod(name string) *v1.Pod {
	return &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "vision", Name: name, UID: types.UID("uid-" + name)},
		Spec:       v1.PodSpec{SchedulerName: "commonpool", Containers: gpus("1").Containers},
	}
}

func roundFor(pod, node string) *Round {
	return &Round{
		ObjectMeta: metav1.ObjectMeta{Name: "r-" + pod + "-" + node},
		Spec: RoundSpec{Epoch: 1, Number: 1, Gangs: []Gang{
			{Workload: "vision/" + pod, Kind: "Pod", Nodes: node + "*1", Pods: pod, Request: "cpu=1000m,memory=0,nvidia.com/gpu=1"},
		}},
	}
}

func TestAPodIsHeldUntilItsRoundComesAndIsPinnedThen(t *testing.T) {
	e, queue := newTestEnforcer(t)
	pod := barePod("a")
	e.putPod(pod)
	if status := e.PreEnqueue(t.Context(), pod); status.Code() != fwk.UnschedulableAndUnresolvable || !strings.Contains(status.Message(), "no Round") {
		t.Errorf("held with %v", status)
	}
	e.putRound(roundFor("a", "gpu-1"))
	if !slices.Equal(queue.woken, []string{"a"}) {
		t.Errorf("woke %v", queue.woken)
	}
	if status := e.PreEnqueue(t.Context(), pod); !status.IsSuccess() {
		t.Errorf("still held: %v", status)
	}
	state := framework.NewCycleState()
	result, status := e.PreFilter(t.Context(), state, pod, nil)
	if !status.IsSuccess() || result.NodeNames.Len() != 1 || !result.NodeNames.Has("gpu-1") {
		t.Errorf("pinned to %v, %v", result, status)
	}
	if status := e.Filter(t.Context(), state, pod, nodeWith(t, "gpu-1", "8")); !status.IsSuccess() {
		t.Errorf("its own node was refused: %v", status)
	}
	if status := e.Filter(t.Context(), state, pod, nodeWith(t, "gpu-2", "8")); status.IsSuccess() {
		t.Error("another node was let through")
	}
	if status := e.Reserve(t.Context(), state, pod, "gpu-1"); !status.IsSuccess() {
		t.Errorf("its place was not kept: %v", status)
	}
	e.PostBind(t.Context(), state, pod, "gpu-1")
	if counts := e.index.Counts(); counts.Outstanding != 0 {
		t.Errorf("%+v after the binding", counts)
	}
}

// A refusal would be looked at again when the node's watch tells of something that this plugin waits for: of nothing.
func TestANodeThatIsNotKnownYetIsAnErrorWhichIsTriedAgainSoon(t *testing.T) {
	e, queue := newTestEnforcer(t)
	pod := barePod("a")
	e.putPod(pod)
	e.putRound(roundFor("a", "gpu-2"))
	if _, status := e.PreFilter(t.Context(), framework.NewCycleState(), pod, nil); status.Code() != fwk.Error || !strings.Contains(status.Message(), "gpu-2") {
		t.Errorf("sent to a node that is not there: %v", status)
	}
	queue.nodes = append(queue.nodes, node("gpu-2", 8, 8))
	if result, status := e.PreFilter(t.Context(), framework.NewCycleState(), pod, nil); !status.IsSuccess() || !result.NodeNames.Has("gpu-2") {
		t.Errorf("pinned to %v, %v", result, status)
	}
}

func TestARoundThatIsWithdrawnInTheMiddleStopsTheBinding(t *testing.T) {
	e, _ := newTestEnforcer(t)
	pod, round := barePod("a"), roundFor("a", "gpu-1")
	e.putPod(pod)
	e.putRound(round)
	e.removeRound(cache.DeletedFinalStateUnknown{Key: round.Name, Obj: round})
	if status := e.Reserve(t.Context(), nil, pod, "gpu-1"); status.Code() != fwk.UnschedulableAndUnresolvable {
		t.Errorf("reserved a withdrawn place: %v", status)
	}
	if _, status := e.PreFilter(t.Context(), framework.NewCycleState(), pod, nil); status.IsSuccess() {
		t.Error("pinned to a withdrawn place")
	}
}

func TestAFailedBindingGoesWhereTheNewestRoundSays(t *testing.T) {
	e, queue := newTestEnforcer(t)
	pod := barePod("a")
	e.putPod(pod)
	e.putRound(roundFor("a", "gpu-1"))
	e.Reserve(t.Context(), nil, pod, "gpu-1")
	newer := roundFor("a", "gpu-2")
	newer.Spec.Number = 2
	e.putRound(newer)
	queue.woken = nil
	e.Unreserve(t.Context(), nil, pod, "gpu-1")
	if got := e.index.Find("uid-a"); got.Node != "gpu-2" || !slices.Equal(queue.woken, []string{"a"}) {
		t.Errorf("%+v, woke %v", got, queue.woken)
	}
}

func TestNothingIsPreemptedForAPod(t *testing.T) {
	e, _ := newTestEnforcer(t)
	if result, status := e.PostFilter(t.Context(), nil, barePod("a"), nil); result != nil || status.Code() != fwk.UnschedulableAndUnresolvable {
		t.Errorf("%v, %v: the chain would go on to preemption", result, status)
	}
}

func TestAPodThatWillNeverBeBoundGivesItsPlaceBack(t *testing.T) {
	for name, change := range map[string]func(*v1.Pod){
		"is being deleted": func(pod *v1.Pod) { pod.DeletionTimestamp = &metav1.Time{} },
		"has failed":       func(pod *v1.Pod) { pod.Status.Phase = v1.PodFailed },
	} {
		e, _ := newTestEnforcer(t)
		before := barePod("a")
		e.putRound(roundFor("a", "gpu-1"))
		e.putPod(before)
		after := before.DeepCopy()
		change(after)
		e.updatePod(before, after)
		if e.index.Seated("uid-a") {
			t.Errorf("a pod that %s keeps its place", name)
		}
	}
}

func TestAPodMadeAgainUnderItsNameIsAnotherPod(t *testing.T) {
	e, _ := newTestEnforcer(t)
	old := barePod("a")
	old.Spec.NodeName = "gpu-1"
	e.putRound(roundFor("a", "gpu-1"))
	e.putPod(old)
	again := barePod("a")
	again.UID = "uid-again"
	e.updatePod(old, again)
	if got := e.index.Find("uid-again"); got.Node != "gpu-1" {
		t.Errorf("%+v", got)
	}
	if got := e.index.Find("uid-a"); got.Node != "" {
		t.Errorf("the old pod is still there: %+v", got)
	}
}

func TestAFinishedPodKeepsWhatItTookWhileItExists(t *testing.T) {
	e, _ := newTestEnforcer(t)
	pod := barePod("a")
	pod.Spec.NodeName = "gpu-1"
	e.putRound(roundFor("a", "gpu-1"))
	e.putPod(pod)
	finished := cache.NewStore(cache.MetaNamespaceKeyFunc)
	stripped, err := keepIdentity(pod)
	if err != nil {
		t.Fatal(err)
	}
	if err := finished.Add(stripped); err != nil {
		t.Fatal(err)
	}
	e.leaveWatch(pod, finished)
	if !e.index.Seated("uid-a") {
		t.Error("its place is free while it exists")
	}
	e.putPod(stripped)
	if !e.index.Seated("uid-a") {
		t.Error("its place is free although the watch of finished pods shows it")
	}
	if err := finished.Delete(stripped); err != nil {
		t.Fatal(err)
	}
	e.leaveWatch(pod, finished)
	if e.index.Seated("uid-a") {
		t.Error("its place is taken by a pod that is gone")
	}
}
