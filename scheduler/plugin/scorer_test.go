package plugin

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"commonpool.dev/scheduler/packing"
)

const shared = string(SharedResource)

var someMix = []PodClass{
	{Accelerators: 1, CPUMilli: 8000, Weight: 50}, {GPUMilli: 470, CPUMilli: 4000, Weight: 30}, {Accelerators: 8, CPUMilli: 64000, Weight: 2}, {CPUMilli: 4000, Weight: 10},
}

func TestAPodGoesWhereItBreaksUpTheLeast(t *testing.T) {
	s := newStage(t, scoreOnly(someMix...), node("empty", 64, 8), node("begun", 64, 8), node("half", 64, 8))
	s.assume(s.pod(map[string]string{"nvidia.com/gpu": "7"}), "begun")
	s.assume(s.pod(map[string]string{"nvidia.com/gpu": "4"}), "half")
	if got, _ := s.place(s.pod(map[string]string{"nvidia.com/gpu": "1"})); got != "begun" {
		t.Errorf("went to %s", got)
	}
}

func TestAPodWithoutAcceleratorsKeepsAwayFromThem(t *testing.T) {
	s := newStage(t, scoreOnly(someMix...), node("a", 64, 8), node("b", 64, 0))
	if got, _ := s.place(s.pod(map[string]string{"cpu": "32"})); got != "b" {
		t.Errorf("went to %s", got)
	}
}

func TestPartsOfOneCardFillItBeforeTheNext(t *testing.T) {
	s := newStage(t, scoreOnly(someMix...), nodes(2, 64, 2)...)
	var pods []*v1.Pod
	for range 3 {
		pod := s.pod(map[string]string{"cpu": "1", shared: "470"})
		_, state := s.place(pod)
		s.bind(pod, state)
		pods = append(pods, pod)
	}
	if pods[0].Annotations[CardAnnotation] != "0" || pods[1].Annotations[CardAnnotation] != "0" || pods[2].Annotations[CardAnnotation] != "1" {
		t.Errorf("cards %s %s %s", pods[0].Annotations, pods[1].Annotations, pods[2].Annotations)
	}
	if got := s.node(pods[0].Spec.NodeName); got.Whole != 0 || got.Free != 530+60 {
		t.Errorf("the node is %+v", got)
	}
}

func TestWholeAndSharedCardsAreTheSameCards(t *testing.T) {
	s := newStage(t, scoreOnly(someMix...), node("only", 64, 2))
	s.place(s.pod(map[string]string{shared: "300"}))
	s.place(s.pod(map[string]string{"nvidia.com/gpu": "1"}))
	if got, _ := s.place(s.pod(map[string]string{"nvidia.com/gpu": "1"})); got != "" {
		t.Error("the shared card was given away whole, though the node's count of whole ones allows it")
	}
	if got, _ := s.place(s.pod(map[string]string{shared: "701"})); got != "" {
		t.Error("a card holds more than it has")
	}
	if got, _ := s.place(s.pod(map[string]string{shared: "700"})); got != "only" {
		t.Error("what is left of the card was not found")
	}
}

func TestRequestsThatNoCardCanMeetAreRefusedInWords(t *testing.T) {
	s := newStage(t, scoreOnly(), node("only", 64, 8))
	for _, asks := range []map[string]string{{shared: "1000"}, {shared: "2500"}, {shared: "500", "nvidia.com/gpu": "1"}} {
		_, status := s.scorer.PreFilter(t.Context(), framework.NewCycleState(), s.pod(asks), s.infos)
		if status.Code() != fwk.UnschedulableAndUnresolvable || !strings.Contains(status.Message(), shared) {
			t.Errorf("%v: %v", asks, status)
		}
	}
}

func TestAfterARestartCardsAreAsTheyWereWrittenDown(t *testing.T) {
	args := scoreOnly(someMix...)
	s := newStage(t, args, nodes(3, 64, 4)...)
	for i := range 20 {
		asks := map[string]string{"cpu": "1", shared: strconv.Itoa(100 + 70*(i%9))}
		if i%5 == 0 {
			asks = map[string]string{"cpu": "1", "nvidia.com/gpu": "1"}
		}
		pod := s.pod(asks)
		if name, state := s.place(pod); name != "" {
			s.bind(pod, state)
		}
	}
	s.expectSameAfterRestart(args)
}

func TestWhatAPodSaysOfItsCardItselfFreesNothing(t *testing.T) {
	for name, forged := range map[string]string{"none": "", "no number": "x", "no card of the node": "7", "a negative one": "-1", "a full one": "0"} {
		s := newStage(t, scoreOnly(someMix...), node("only", 64, 2))
		honest := s.pod(map[string]string{shared: "900"})
		_, state := s.place(honest)
		s.bind(honest, state)
		forger := s.pod(map[string]string{shared: "200"})
		forger.Annotations = map[string]string{CardAnnotation: forged}
		s.assume(forger, "only") // bound by somebody else
		if got := s.node("only"); got.Free != 100 || got.Whole != 0 {
			t.Errorf("%s: the node has %+v", name, got)
		}
	}
}

func TestAnEditedAnnotationMovesNothingWhileTheSchedulerKnowsBetter(t *testing.T) {
	s := newStage(t, scoreOnly(someMix...), node("only", 64, 2))
	pod := s.pod(map[string]string{shared: "600"})
	_, state := s.place(pod)
	s.bind(pod, state)
	s.remove(pod)
	pod.Annotations[CardAnnotation] = "1"
	s.assume(pod, "only")
	if got := s.node("only"); got.Milli[0] != 400 || got.Milli[1] != 1000 {
		t.Errorf("the node is %+v", got)
	}
}

func TestUnreserveGivesTheCardBack(t *testing.T) {
	s := newStage(t, scoreOnly(someMix...), node("only", 64, 1))
	pod := s.pod(map[string]string{shared: "600"})
	_, state := s.place(pod)
	s.scorer.Unreserve(t.Context(), state, pod, "only")
	s.remove(pod)
	if got := s.node("only"); got.Whole != 1 || len(s.scorer.devices.of) != 0 {
		t.Errorf("the node is %+v, %v is remembered", got, s.scorer.devices.of)
	}
}

func TestFiltersHoldWhereTheEngineWouldGo(t *testing.T) {
	s := newStage(t, scoreOnly(someMix...), nodes(5, 64, 8)...)
	s.refuse = map[string]bool{"node-000": true, "node-001": true}
	if got, _ := s.place(s.pod(map[string]string{"nvidia.com/gpu": "1"})); got != "node-002" {
		t.Errorf("went to %q", got)
	}
	if s.tried != 3 {
		t.Errorf("%d nodes were asked about", s.tried)
	}
	for _, info := range s.infos {
		s.refuse[info.Node().Name] = true
	}
	if got, _ := s.place(s.pod(map[string]string{"nvidia.com/gpu": "1"})); got != "" {
		t.Errorf("went to %q", got)
	}
}

func TestAPodThatPrefersNodesIsScoredAmongAll(t *testing.T) {
	s := newStage(t, scoreOnly(someMix...), nodes(300, 64, 8)...)
	pod := s.pod(map[string]string{"nvidia.com/gpu": "1"})
	pod.Spec.Affinity = &v1.Affinity{NodeAffinity: &v1.NodeAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []v1.PreferredSchedulingTerm{{Weight: 1}}}}
	s.assume(s.pod(map[string]string{"nvidia.com/gpu": "7"}), "node-123")
	state := framework.NewCycleState()
	if result, _, _ := Narrow(s).RunPreFilterPlugins(t.Context(), state, pod); !result.AllNodes() {
		t.Fatal("narrowed")
	}
	if status := s.scorer.PreScore(t.Context(), state, pod, s.infos); !status.IsSuccess() {
		t.Fatal(status)
	}
	var best []string
	for _, info := range s.infos {
		score, status := s.scorer.Score(t.Context(), state, pod, info)
		if !status.IsSuccess() || score < fwk.MinScore || score > fwk.MaxScore {
			t.Fatal(score, status)
		}
		if score == fwk.MaxScore {
			best = append(best, info.Node().Name)
		}
	}
	if !slices.Equal(best, []string{"node-123"}) {
		t.Errorf("the best are %v", best)
	}
}

func TestProductsThatAPodInsistsOnAreKeptToAndLearned(t *testing.T) {
	all := append(nodes(2, 64, 8), node("z", 64, 8))
	for _, each := range all {
		each.Labels = map[string]string{"nvidia.com/gpu.product": "T4"}
	}
	all[2].Labels["nvidia.com/gpu.product"] = "H100"
	s := newStage(t, scoreOnly(), all...)
	pod := s.pod(map[string]string{"nvidia.com/gpu": "1"})
	pod.Spec.NodeSelector = map[string]string{"nvidia.com/gpu.product": "H100"}
	if got, _ := s.place(pod); got != "z" {
		t.Errorf("went to %s", got)
	}
	if classes := s.scorer.fleet.mix.classes(); len(classes) != 1 || bits.OnesCount64(classes[0].Shape.Models) != 1 {
		t.Errorf("the mix is %v", classes)
	}
}

func TestNodesComeAndGo(t *testing.T) {
	s := newStage(t, scoreOnly(someMix...), nodes(3, 64, 8)...)
	s.place(s.pod(map[string]string{"nvidia.com/gpu": "8"}))
	other := framework.NewNodeInfo()
	other.SetNode(node("a-new-one", 64, 4))
	s.infos = append([]fwk.NodeInfo{other}, s.infos[1:]...)
	if got, _ := s.place(s.pod(map[string]string{"nvidia.com/gpu": "1"})); got != "a-new-one" {
		t.Errorf("went to %s", got)
	}
	bigger := node("a-new-one", 64, 8)
	bigger.Status.Allocatable["nvidia.com/gpu"] = resource.MustParse("80")
	s.infos[0].SetNode(bigger)
	if got := s.node("a-new-one"); got.Cards != packing.MaxCards || got.Whole != packing.MaxCards {
		t.Errorf("a node with more than the engine sees is %+v", got)
	}
	s.infos = nil
	if got, _ := s.place(s.pod(map[string]string{"nvidia.com/gpu": "1"})); got != "" {
		t.Errorf("went to %s", got)
	}
}

func TestPricesFollowTheMixOftenAtFirstAndSeldomLater(t *testing.T) {
	m := newMix(nil)
	if len(m.classes()) != 4 {
		t.Error("nothing is expected")
	}
	var due []int
	for i := range 4_000 {
		m.observe(packing.Shape{CPU: 2, Cards: 1, Milli: 500})
		if m.due() {
			m.classes()
			due = append(due, i+1)
		}
	}
	if !slices.Equal(due, []int{16, 32, 64, 128, 256, 512, 1024, 2024, 3024}) {
		t.Errorf("prices were due at %v", due)
	}
	if given := newMix([]packing.CardClass{{Count: 1}}); given.due() || len(given.classes()) != 1 {
		t.Error("a given mix is not kept")
	}
}

// asks are pods of all sorts.
func asks(random *rand.Rand) map[string]string {
	cpu := strconv.Itoa(1 + random.IntN(12))
	switch random.IntN(5) {
	case 0:
		return map[string]string{"cpu": cpu}
	case 1, 2:
		return map[string]string{"cpu": cpu, "nvidia.com/gpu": strconv.Itoa(1 << random.IntN(4))}
	default:
		return map[string]string{"cpu": cpu, shared: strconv.Itoa(10 + 10*random.IntN(99))}
	}
}

func TestThePluginDecidesAsTheEngineDoes(t *testing.T) {
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 1))
		args := scoreOnly(someMix...)
		s := newStage(t, args, append(nodes(8, 96, 8), node("small-1", 48, 2), node("small-2", 48, 2), node("none", 64, 0))...)
		s.scorer.fleet.follow(s.infos)
		engine := packing.NewPricedCards(slices.Clone(s.scorer.fleet.cards.Nodes), s.scorer.fleet.ranks(), s.scorer.fleet.prices)
		type placed struct {
			pod   *v1.Pod
			shape packing.Shape
			node  int
			cards uint64
		}
		var running []placed
		for range 150 {
			if len(running) > 0 && random.IntN(3) == 0 {
				at := random.IntN(len(running))
				gone := running[at]
				running = slices.Delete(running, at, at+1)
				s.remove(gone.pod)
				s.scorer.devices.remove(gone.pod.UID)
				if err := engine.Give(int64(gone.node), gone.shape, gone.cards); err != nil {
					t.Fatal(err)
				}
				continue
			}
			pod := s.pod(asks(random))
			w, err := s.scorer.fleet.want(pod)
			if err != nil {
				t.Fatal(err)
			}
			best, card := engine.Best(&w.shape)
			got, _ := s.place(pod)
			if best < 0 {
				if got != "" {
					t.Fatalf("seed %d: %v went to %s, the engine has no room", seed, w.shape, got)
				}
				continue
			}
			if want := s.infos[best].Node().Name; got != want {
				t.Fatalf("seed %d: %v went to %q, the engine says %s", seed, w.shape, got, want)
			}
			running = append(running, placed{pod, w.shape, best, engine.Take(best, &w.shape, card)})
			if ours, theirs := s.node(got), engine.Nodes[best]; !alike(ours, theirs) {
				t.Fatalf("seed %d: the node is %+v, the engine has %+v", seed, ours, theirs)
			}
		}
	}
}

// alike says whether two nodes have the same free, whichever of their cards it is on.
func alike(a, b packing.Node) bool {
	slices.Sort(a.Milli[:])
	slices.Sort(b.Milli[:])
	return a == b
}

// While the scheduling goroutine places, others bind, fail to, and hear of pods that are gone. No card may ever have more than it is.
func TestNoCardIsOvercommittedWhateverComesAtOnce(t *testing.T) {
	s := newStage(t, scoreOnly(), nodes(6, 640, 4)...)
	random := rand.New(rand.NewPCG(7, 7))
	type outcome struct {
		pod  *v1.Pod
		card string // that the binding wrote; of a pod that stays
		gone bool
	}
	outcomes := make(chan outcome, 1000)
	var group sync.WaitGroup
	running := map[*v1.Pod]bool{} // true once bound
	settle := func(each outcome) {
		if each.gone {
			s.remove(each.pod)
			delete(running, each.pod)
			return
		}
		running[each.pod] = true
		if each.card != "" {
			each.pod.Annotations = map[string]string{CardAnnotation: each.card}
		}
		checkCards(t, s, running)
	}
	for i := range 1500 {
		for more := true; more; {
			select {
			case each := <-outcomes:
				settle(each)
			default:
				more = false
			}
		}
		pod := s.pod(asks(random))
		name, state := s.place(pod)
		var filters sync.WaitGroup
		for range 4 { // filters run beside each other
			filters.Go(func() { s.scorer.Filter(t.Context(), state, pod, s.infos[i%len(s.infos)]) })
		}
		filters.Wait()
		w, err := readWanted(state)
		switch {
		case err != nil:
			t.Fatal(err)
		case name == "": // full: one that runs ends
			for other, bound := range running {
				if bound {
					running[other] = false
					group.Go(func() {
						s.scorer.devices.remove(other.UID)
						outcomes <- outcome{pod: other, gone: true}
					})
					break
				}
			}
		case i%7 == 0: // the binding fails
			running[pod] = false
			group.Go(func() {
				s.scorer.Unreserve(t.Context(), state, pod, name)
				outcomes <- outcome{pod: pod, gone: true}
			})
		default:
			running[pod] = false
			group.Go(func() {
				card := ""
				if w.shape.Shared() {
					card = s.scorer.devices.find(&v1.Pod{ObjectMeta: metav1.ObjectMeta{UID: pod.UID}}).String()
				}
				outcomes <- outcome{pod: pod, card: card}
			})
		}
	}
	group.Wait()
	close(outcomes)
	for each := range outcomes {
		settle(each)
	}
	if len(running) < 6 {
		t.Errorf("%d pods run", len(running))
	}
}

// checkCards adds up what was written down.
func checkCards(t *testing.T, s *stage, running map[*v1.Pod]bool) {
	t.Helper()
	parts, whole := map[string]int64{}, map[string]int64{}
	for pod, bound := range running {
		if !bound {
			continue
		}
		w, err := s.scorer.fleet.want(pod)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case w.shape.Shared():
			parts[pod.Spec.NodeName+" "+pod.Annotations[CardAnnotation]] += w.shape.Milli
		case w.shape.Cards > 0:
			whole[pod.Spec.NodeName] += w.shape.Cards
		}
	}
	for card, milli := range parts {
		if milli > packing.CardMilli {
			t.Fatalf("card %s has %d", card, milli)
		}
		name, _, _ := strings.Cut(card, " ")
		whole[name]++
	}
	for name, cards := range whole {
		if cards > 4 {
			t.Fatalf("node %s has %d cards in use", name, cards)
		}
	}
}
