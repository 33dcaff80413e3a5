package plugin

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"commonpool.dev/scheduler/mig"
	"commonpool.dev/scheduler/packing"
)

// instance asks for an instance of the profile.
func instance(profile string) map[string]string {
	return map[string]string{"cpu": "1", InstancePrefix + profile: "1"}
}

// cutNode is a node whose cards are cut as pods come.
func cutNode(name, cards string) *v1.Node {
	n := node(name, 64, 0)
	n.Labels = map[string]string{PartitionLabel: cards}
	return n
}

func (s *stage) run(asks map[string]string) *v1.Pod {
	s.t.Helper()
	pod := s.pod(asks)
	if name, state := s.place(pod); name != "" {
		s.bind(pod, state)
	}
	return pod
}

func TestInstancesGetACardAndASliceToBeginAt(t *testing.T) {
	mix := []PodClass{{MIGProfile: "1g.5gb", CPUMilli: 1000, Weight: 4}, {MIGProfile: "3g.20gb", CPUMilli: 1000, Weight: 2}, {MIGProfile: "4g.20gb", CPUMilli: 1000, Weight: 1}}
	s := newStage(t, scoreOnly(mix...), node("whole", 64, 8), cutNode("cut", "2xA100-40GB"))
	used := map[string]uint16{}
	for _, profile := range []string{"1g.5gb", "1g.5gb", "3g.20gb", "1g.5gb", "1g.5gb", "3g.20gb", "4g.20gb"} {
		pod := s.run(instance(profile))
		card, start, found := strings.Cut(pod.Annotations[CardAnnotation], ":")
		first, err := strconv.Atoi(start)
		if pod.Spec.NodeName != "cut" || !found || err != nil {
			t.Fatalf("%s is on %q, card %q", profile, pod.Spec.NodeName, pod.Annotations[CardAnnotation])
		}
		partition := mig.Partition("A100-40GB")
		at := slices.IndexFunc(partition.Placements(mig.Profile(profile)), func(taken uint16) bool { return mig.Start(taken) == first })
		if at < 0 || used[card]&partition.Placements(mig.Profile(profile))[at] != 0 {
			t.Fatalf("%s cannot begin at %d of card %s, of which %b is used", profile, first, card, used[card])
		}
		used[card] |= partition.Placements(mig.Profile(profile))[at]
	}
	if pod := s.run(instance("1g.5gb")); pod.Spec.NodeName != "" {
		t.Errorf("there was room for one more, at %s", pod.Annotations[CardAnnotation])
	}
	if pod := s.run(map[string]string{"nvidia.com/gpu": "8"}); pod.Spec.NodeName != "whole" {
		t.Errorf("whole cards are at %q", pod.Spec.NodeName)
	}
}

func TestAPodThatWaitsIsTriedAgainWhenItsNodeIsLabelled(t *testing.T) {
	s := newStage(t, scoreOnly(someMix...), node("a", 64, 0), node("b", 64, 8))
	if pod := s.run(instance("1g.5gb")); pod.Spec.NodeName != "" {
		t.Fatalf("went to %s before anything was cut", pod.Spec.NodeName)
	}
	events, err := s.scorer.EventsToRegister(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	labelled := fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.UpdateNodeLabel}
	if !slices.ContainsFunc(events, func(each fwk.ClusterEventWithHint) bool {
		return framework.MatchClusterEvents(each.Event, labelled) && each.QueueingHintFn == nil
	}) {
		t.Errorf("no event of %+v is a new label of a node", events)
	}
	s.info("a").(*framework.NodeInfo).SetNode(cutNode("a", "1xA100-40GB"))
	if pod := s.run(instance("1g.5gb")); pod.Spec.NodeName != "a" {
		t.Errorf("went to %q once the node was cut", pod.Spec.NodeName)
	}
}

func TestAnInstanceIsRefusedInWords(t *testing.T) {
	s := newStage(t, scoreOnly(), node("whole", 64, 8), cutNode("cut", "1xA100-80GB"))
	for _, asks := range []map[string]string{
		{InstancePrefix + "1g.5gb": "2"}, {InstancePrefix + "8g.80gb": "1"}, {InstancePrefix + "1g.5gb": "1", InstancePrefix + "3g.20gb": "1"},
		{InstancePrefix + "1g.5gb": "1", "nvidia.com/gpu": "1"}, {InstancePrefix + "1g.5gb": "1", shared: "100"},
	} {
		_, status := s.scorer.PreFilter(t.Context(), framework.NewCycleState(), s.pod(asks), s.infos)
		if status.Code() != fwk.UnschedulableAndUnresolvable || !strings.Contains(status.Message(), InstancePrefix) {
			t.Errorf("%v: %v", asks, status)
		}
	}
	state := framework.NewCycleState()
	pod := s.pod(instance("1g.5gb")) // a profile of another card
	if _, status := s.scorer.PreFilter(t.Context(), state, pod, s.infos); !status.IsSuccess() {
		t.Fatal(status)
	}
	for _, info := range s.infos {
		if status := s.scorer.Filter(t.Context(), state, pod, info); !strings.Contains(status.Message(), "no accelerator with room for an instance of 1g.5gb") {
			t.Errorf("%s: %v", info.Node().Name, status)
		}
	}
	if status := s.scorer.Reserve(t.Context(), state, pod, "cut"); status.Code() != fwk.Unschedulable {
		t.Errorf("reserved: %v", status)
	}
}

func TestALabelThatSaysNothingKnownMakesNoCards(t *testing.T) {
	for _, label := range []string{"", "A100-40GB", "0xA100-40GB", "-1xA100-40GB", "8xA100", "8x", "x", "8xA100-40GBx"} {
		s := newStage(t, scoreOnly(), cutNode("cut", label))
		if got := s.node("cut"); got.Cards != 0 {
			t.Errorf("%q: %+v", label, got)
		}
	}
	s := newStage(t, scoreOnly(), cutNode("cut", "99xH100-80GB"))
	if got := s.node("cut"); got.Cards != packing.MaxCards || got.Partition == nil {
		t.Errorf("99 cards: %+v", got)
	}
}

func TestAfterARestartInstancesAreWhereTheyWereWrittenDown(t *testing.T) {
	args := scoreOnly()
	s := newStage(t, args, cutNode("a", "2xA100-40GB"), cutNode("b", "4xH100-80GB"), node("c", 64, 4))
	random := rand.New(rand.NewPCG(1, 1))
	all := []string{"1g.5gb", "1g.5gb.me", "1g.10gb", "2g.10gb", "3g.20gb", "7g.80gb", "1g.20gb"}
	var running []*v1.Pod
	for range 60 {
		asks := instance(all[random.IntN(len(all))])
		if random.IntN(5) == 0 {
			asks = map[string]string{"cpu": "1", shared: "300"}
		}
		if pod := s.run(asks); pod.Spec.NodeName != "" {
			running = append(running, pod)
		}
		if len(running) > 8 {
			gone := running[0]
			s.remove(gone)
			s.scorer.devices.remove(gone.UID)
			running = running[1:]
		}
	}
	s.expectSameAfterRestart(args)
}

func TestWhatAPodSaysOfItsInstanceItselfFreesNothing(t *testing.T) {
	for _, forged := range []string{"", "x", "0", "0:", "0:1", "0:9", "0:-1", "7:4", "0:0", "1:4:4"} {
		s := newStage(t, scoreOnly(PodClass{MIGProfile: "4g.20gb", Weight: 1}), cutNode("only", "2xA100-40GB"))
		if honest := s.run(instance("4g.20gb")); honest.Annotations[CardAnnotation] != "0:0" {
			t.Fatalf("an instance is at %q", honest.Annotations[CardAnnotation])
		}
		forger := s.pod(instance("3g.20gb"))
		forger.Annotations = map[string]string{CardAnnotation: forged}
		s.assume(forger, "only") // bound by somebody else
		if got := s.node("only"); got.Milli[0] != 0b1_1111_0000 || got.Milli[1] != 0 {
			t.Errorf("%q: %b and %b are free", forged, got.Milli[0], got.Milli[1])
		}
	}
}

func TestUnreserveGivesTheInstanceBack(t *testing.T) {
	s := newStage(t, scoreOnly(), cutNode("only", "1xA100-40GB"))
	empty := s.node("only")
	pod := s.pod(instance("7g.40gb"))
	_, state := s.place(pod)
	if got := s.node("only"); got.Free != 0 {
		t.Errorf("the node is %+v", got)
	}
	s.scorer.Unreserve(t.Context(), state, pod, "only")
	s.remove(pod)
	if got := s.node("only"); got != empty || len(s.scorer.devices.of) != 0 {
		t.Errorf("the node is %+v, %v is remembered", got, s.scorer.devices.of)
	}
}

func TestKindsBeyondTheLastBitAreNeverCutAlike(t *testing.T) {
	k := &kinds{bits: map[kind]uint8{}}
	for i := range 100 {
		if bit := k.bit(kind{product: strconv.Itoa(i)}); int(bit) > lastKind {
			t.Fatalf("kind %d has bit %d", i, bit)
		}
	}
	seen := map[uint8]bool{}
	for _, card := range mig.Cards() {
		bit := k.bit(kind{cut: card})
		if int(bit) <= lastKind || bit >= packing.MaxModels || seen[bit] {
			t.Errorf("%s has bit %d", card, bit)
		}
		seen[bit] = true
	}
}
