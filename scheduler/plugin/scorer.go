package plugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/util"

	"commonpool.dev/scheduler/packing"
)

// scorer is the plugin in mode ScoreOnly: pods go where the packing engine loses least, and those that want a part of an accelerator get
// a card of the node.
type scorer struct {
	fleet   *fleet
	devices *devices
	handle  fwk.Handle
}

var (
	_ fwk.EnqueueExtensions = (*scorer)(nil)
	_ fwk.PreFilterPlugin   = (*scorer)(nil)
	_ fwk.FilterPlugin      = (*scorer)(nil)
	_ fwk.PreScorePlugin    = (*scorer)(nil)
	_ fwk.ScorePlugin       = (*scorer)(nil)
	_ fwk.ReservePlugin     = (*scorer)(nil)
	_ fwk.BindPlugin        = (*scorer)(nil)
)

func newScorer(args Args, handle fwk.Handle) (*scorer, error) {
	devices := newDevices()
	s := &scorer{fleet: newFleet(args, devices), devices: devices, handle: handle}
	_, err := handle.SharedInformerFactory().Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		DeleteFunc: func(object any) {
			if pod := podOf(object); pod != nil {
				devices.remove(pod.UID)
			}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("watch pods: %w", err)
	}
	return s, nil
}

// Name of the plugin.
func (s *scorer) Name() string { return Name }

// EventsToRegister names what can give a pod cards that it did not find: pods that leave, nodes that come or offer more, and labels, which say
// how a node's cards are cut and what product they are. Taints are other filters' to watch.
func (s *scorer) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.AssignedPod, ActionType: fwk.Delete}},
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeAllocatable | fwk.UpdateNodeLabel}},
	}, nil
}

// PreFilter follows the snapshot and reads the pod.
func (s *scorer) PreFilter(_ context.Context, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	s.fleet.follow(nodes)
	w, err := s.fleet.want(pod)
	if err != nil {
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, err.Error())
	}
	if w.ranked && !wasRefused(pod) {
		s.fleet.mix.observe(w.shape)
	}
	w.scorer = s
	state.Write(wantedKey, w)
	if w.shape.Cards == 0 {
		return nil, fwk.NewStatus(fwk.Skip) // no cards, no Filter
	}
	return nil, nil
}

// wasRefused says whether the pod comes again: one that waits for long is one pod of the mix all the same.
func wasRefused(pod *v1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(each v1.PodCondition) bool { return each.Type == v1.PodScheduled })
}

// PreFilterExtensions is nil: nodes that are tried with other pods are read anew.
func (s *scorer) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// Filter refuses nodes on which only the sum of accelerators suffices: parts of several cards are no card.
func (s *scorer) Filter(_ context.Context, state fwk.CycleState, _ *v1.Pod, info fwk.NodeInfo) *fwk.Status {
	w, err := readWanted(state)
	if err != nil {
		return fwk.AsStatus(err)
	}
	if s.fleet.fitsCards(info, w) {
		return nil
	}
	return fwk.NewStatus(fwk.Unschedulable, w.refuse())
}

func readWanted(state fwk.CycleState) (*wanted, error) {
	data, err := state.Read(wantedKey)
	if err != nil {
		return nil, err
	}
	w, ok := data.(*wanted)
	if !ok {
		return nil, errors.New("the state of the cycle is not what the pod wants")
	}
	return w, nil
}

// standing is the score of each node of a cycle, by name.
type standing map[string]int64

// Clone keeps it: it does not change.
func (s standing) Clone() fwk.StateData { return s }

const standingKey = fwk.StateKey(Name + "/standing")

// PreScore puts the nodes in order. Scores of the engine are finer than what the scheduler adds up, so a node's score is its place: all
// for the best alone, less for each that follows.
func (s *scorer) PreScore(_ context.Context, state fwk.CycleState, _ *v1.Pod, nodes []fwk.NodeInfo) *fwk.Status {
	w, err := readWanted(state)
	if err != nil {
		return fwk.AsStatus(err)
	}
	if !w.ranked || s.fleet.cards == nil {
		return fwk.NewStatus(fwk.Skip)
	}
	state.Write(standingKey, s.stand(w, nodes))
	return nil
}

func (s *scorer) stand(w *wanted, nodes []fwk.NodeInfo) standing {
	type place struct {
		name  string
		score packing.Score
		rank  int32
	}
	cards := s.fleet.cards
	places := make([]place, len(nodes))
	for i, info := range nodes {
		name := info.Node().Name
		places[i] = place{name: name, score: packing.Unfit}
		if at, known := s.fleet.indexes[name]; known {
			places[i].rank = cards.Rank(at)
			if cards.Nodes[at].Fits(&w.shape) {
				places[i].score, _ = cards.Rate(at, &w.shape)
			}
		}
	}
	slices.SortFunc(places, func(a, b place) int {
		switch {
		case a.score.Better(b.score):
			return -1
		case b.score.Better(a.score):
			return 1
		default:
			return cmp.Compare(a.rank, b.rank)
		}
	})
	scores := make(standing, len(places))
	for at, each := range places {
		scores[each.name] = fwk.MinScore
		if each.score != packing.Unfit {
			scores[each.name] = fwk.MaxScore - (int64(at)*(fwk.MaxScore-fwk.MinScore)+int64(len(places))-1)/int64(len(places))
		}
	}
	return scores
}

// Score is the node's place.
func (s *scorer) Score(_ context.Context, state fwk.CycleState, _ *v1.Pod, info fwk.NodeInfo) (int64, *fwk.Status) {
	data, err := state.Read(standingKey)
	if err != nil {
		return 0, fwk.AsStatus(err)
	}
	scores, ok := data.(standing)
	if !ok {
		return 0, fwk.AsStatus(errors.New("the state of the cycle is not the nodes' scores"))
	}
	return scores[info.Node().Name], nil
}

// ScoreExtensions is nil: the scores are in the range already.
func (s *scorer) ScoreExtensions() fwk.ScoreExtensions { return nil }

// Reserve chooses the card for a part of one, and the place for an instance. The pod is in the next snapshot with it.
func (s *scorer) Reserve(_ context.Context, state fwk.CycleState, pod *v1.Pod, name string) *fwk.Status {
	w, err := readWanted(state)
	if err != nil {
		return fwk.AsStatus(err)
	}
	if !w.owned() {
		return nil
	}
	at, known := s.fleet.indexes[name]
	if !known || !w.fitsCardsOf(&s.fleet.cards.Nodes[at]) {
		return fwk.NewStatus(fwk.Unschedulable, fmt.Sprintf("node `%s`: %s", name, w.refuse()))
	}
	_, place := s.fleet.cards.Rate(at, &w.shape)
	s.devices.put(pod.UID, deviceOf(&s.fleet.cards.Nodes[at], &w.shape, place))
	return nil
}

// Unreserve gives the card back.
func (s *scorer) Unreserve(_ context.Context, _ fwk.CycleState, pod *v1.Pod, _ string) {
	s.devices.remove(pod.UID)
}

// Bind says with the binding which card a part of one is of, and where an instance begins: one write does both or nothing. All other pods are for the next binder.
func (s *scorer) Bind(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) *fwk.Status {
	w, err := readWanted(state)
	if err != nil {
		return fwk.AsStatus(err)
	}
	if !w.owned() {
		return fwk.NewStatus(fwk.Skip)
	}
	binding := &v1.Binding{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID,
			Annotations: map[string]string{CardAnnotation: s.devices.find(pod).String()},
		},
		Target: v1.ObjectReference{Kind: "Node", Name: node},
	}
	if err := util.BindPod(ctx, s.handle.ClientSet(), binding); err != nil {
		return fwk.AsStatus(err)
	}
	return nil
}
