package rounds

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

const asked = "cpu=1000m,memory=1024,nvidia.com/gpu=1"

var (
	job        = Key{"Job", "vision", "train"}
	deployment = Key{"Deployment", "vision", "web"}
)

// round makes a Round of epoch 1 from `kind nodes|ranks|pods` lines.
func round(t testing.TB, number int64, lines ...string) *Round {
	t.Helper()
	made := &Round{Name: fmt.Sprintf("r-%010d-0", number), Epoch: 1, Number: number}
	for _, line := range lines {
		kind, rest, _ := strings.Cut(line, " ")
		parts := append(strings.Split(rest, "|"), "", "")
		key := map[string]Key{"Job": job, "Deployment": deployment}[kind]
		parsed, err := ParseLine(LineText{key.Namespace + "/" + key.Name, kind, parts[0], parts[1], parts[2], asked})
		if err != nil {
			t.Fatal(err)
		}
		made.Lines = append(made.Lines, parsed)
	}
	return made
}

func pending(t testing.TB, key Key, name string, rank int) Pod {
	t.Helper()
	return Pod{Ref: Ref{key.Namespace, name, "uid-" + name}, Key: key, Rank: rank, Request: *mustRequest(t, asked), CreatedAt: 1}
}

func opened(rounds ...*Round) *Index {
	index := NewIndex()
	index.Open()
	for _, each := range rounds {
		index.PutRound(each)
	}
	return index
}

func names(refs []Ref) []string {
	var found []string
	for _, ref := range refs {
		found = append(found, ref.Name)
	}
	return found
}

func expectNode(t *testing.T, index *Index, pod, node string) {
	t.Helper()
	if got := index.Find("uid-" + pod); got.Node != node || (got.Wait == Go) != (node != "") {
		t.Errorf("pod %s: %+v, want node %q", pod, got, node)
	}
}

func expectWait(t *testing.T, index *Index, pod string, want Wait) {
	t.Helper()
	if got := index.Find("uid-" + pod); got.Wait != want {
		t.Errorf("pod %s: %+v, want %s", pod, got, want)
	}
}

func expectWoken(t *testing.T, got []Ref, want ...string) {
	t.Helper()
	if !reflect.DeepEqual(names(got), want) {
		t.Errorf("woke %v, want %v", names(got), want)
	}
}

func TestAPodWaitsUntilARoundNamesItAndIsWokenThen(t *testing.T) {
	index := opened()
	expectWoken(t, index.PutPod(pending(t, job, "a-0", 0), ""))
	expectWait(t, index, "a-0", NoRound)
	expectWoken(t, index.PutRound(round(t, 1, "Job gpu-1*1|0")), "a-0")
	expectNode(t, index, "a-0", "gpu-1")
}

func TestAPodThatComesAfterItsRoundGoesAtOnce(t *testing.T) {
	index := opened(round(t, 1, "Job gpu-1*1 gpu-2*1|0-1"))
	expectWoken(t, index.PutPod(pending(t, job, "a-1", 1), ""), "a-1")
	expectNode(t, index, "a-1", "gpu-2")
}

func TestNothingIsGivenAwayBeforeEverythingIsRead(t *testing.T) {
	index := NewIndex()
	index.PutRound(round(t, 1, "Deployment gpu-1*1"))
	index.PutPod(pending(t, deployment, "late", NoRank), "")
	expectWait(t, index, "late", Starting)
	index.PutPod(pending(t, deployment, "bound", NoRank), "gpu-1")
	expectWoken(t, index.Open())
	expectWait(t, index, "late", NoRound)
}

func TestTheNewestRoundWinsForANameAndForARank(t *testing.T) {
	index := opened(round(t, 2, "Job gpu-2*1|0", "Deployment gpu-2*1||web-1"), round(t, 1, "Job gpu-1*1|0", "Deployment gpu-1*1||web-1"))
	index.PutPod(pending(t, job, "a-0", 0), "")
	index.PutPod(pending(t, deployment, "web-1", NoRank), "")
	expectNode(t, index, "a-0", "gpu-2")
	expectNode(t, index, "web-1", "gpu-2")
	expectWoken(t, index.PutRound(round(t, 3, "Job gpu-3*1|0")), "a-0")
	expectNode(t, index, "a-0", "gpu-3")
	index.RemoveRound("r-0000000003-0")
	expectNode(t, index, "a-0", "gpu-2")
}

func TestAPodTakesItsNameThenItsRankThenAnyPlace(t *testing.T) {
	index := opened(round(t, 1, "Job gpu-1*1"), round(t, 2, "Job gpu-2*1|0"), round(t, 3, "Job gpu-3*1||a-0"))
	index.PutPod(pending(t, job, "a-0", 0), "")
	expectNode(t, index, "a-0", "gpu-3")
	index.RemoveRound("r-0000000003-0")
	expectNode(t, index, "a-0", "gpu-2")
	index.RemoveRound("r-0000000002-0")
	expectNode(t, index, "a-0", "gpu-1")
}

func TestTwoPodsNeverShareAPlace(t *testing.T) {
	index := opened(round(t, 1, "Deployment gpu-1*2 gpu-2*1"))
	for _, name := range []string{"a", "b", "c", "d"} {
		index.PutPod(pending(t, deployment, name, NoRank), "")
	}
	expectNode(t, index, "a", "gpu-1")
	expectNode(t, index, "b", "gpu-1")
	expectNode(t, index, "c", "gpu-2")
	expectWait(t, index, "d", NoRound)

	index.PutRound(round(t, 2, "Job gpu-1*1|0"))
	index.PutPod(pending(t, job, "first", 0), "")
	index.PutPod(pending(t, job, "second", 0), "")
	expectNode(t, index, "first", "gpu-1")
	expectWait(t, index, "second", PlaceTaken)
}

func TestAPodThatAsksForSomethingElseIsHeldAndTakesNothing(t *testing.T) {
	index := opened(round(t, 1, "Deployment gpu-1*1"))
	greedy := pending(t, deployment, "greedy", NoRank)
	greedy.Request.Accelerators = []Amount{{"nvidia.com/gpu", 8}}
	index.PutPod(greedy, "")
	expectWait(t, index, "greedy", RequestDiffers)
	index.PutPod(pending(t, deployment, "honest", NoRank), "")
	expectNode(t, index, "honest", "gpu-1")
}

func TestAPodWithoutAcceleratorsIsToldToGoElsewhere(t *testing.T) {
	index := opened()
	plain := pending(t, deployment, "plain", NoRank)
	plain.Request.Accelerators = nil
	index.PutPod(plain, "")
	expectWait(t, index, "plain", NoAccelerator)
}

func TestAPlaceIsUsedWhileABoundPodExists(t *testing.T) {
	for _, text := range []string{"Job gpu-1*1|0", "Job gpu-1*1", "Job gpu-1*1||old"} {
		index := opened(round(t, 1, text))
		index.PutPod(pending(t, job, "old", 0), "")
		if !index.Commit("uid-old", "gpu-1") {
			t.Fatal("the place was not kept")
		}
		index.PutPod(pending(t, job, "old", 0), "gpu-1")
		again := pending(t, job, "old", 0)
		again.UID = "uid-again"
		index.PutPod(again, "")
		if got := index.Find("uid-again"); got.Node != "" {
			t.Errorf("%s: the place was used twice: %+v", text, got)
		}
		expectWoken(t, index.RemovePod("uid-old"), "old")
		if got := index.Find("uid-again"); got.Node != "gpu-1" {
			t.Errorf("%s: the place is free again, but %+v", text, got)
		}
	}
}

func TestAWithdrawnPlaceIsNotBound(t *testing.T) {
	index := opened(round(t, 1, "Job gpu-1*1|0"))
	index.PutPod(pending(t, job, "a-0", 0), "")
	index.RemoveRound("r-0000000001-0")
	expectWait(t, index, "a-0", NoRound)
	if index.Commit("uid-a-0", "gpu-1") {
		t.Error("kept a place that was withdrawn")
	}
}

func TestALineThatIsPatchedOutIsWithdrawnAndTheOthersStay(t *testing.T) {
	index := opened(round(t, 1, "Job gpu-1*1|0", "Deployment gpu-2*2"))
	index.PutPod(pending(t, job, "a-0", 0), "")
	index.PutPod(pending(t, deployment, "web", NoRank), "gpu-2")
	expectWoken(t, index.PutRound(round(t, 1, "Deployment gpu-2*2")))
	expectWait(t, index, "a-0", NoRound)
	index.PutPod(pending(t, deployment, "one", NoRank), "")
	index.PutPod(pending(t, deployment, "more", NoRank), "")
	expectNode(t, index, "one", "gpu-2")
	expectWait(t, index, "more", NoRound)
}

func TestAPodOnItsWayKeepsItsNodeWhateverRoundsSay(t *testing.T) {
	index := opened(round(t, 1, "Job gpu-1*1|0"))
	index.PutPod(pending(t, job, "a-0", 0), "")
	index.Commit("uid-a-0", "gpu-1")
	expectWoken(t, index.PutRound(round(t, 2, "Job gpu-2*1|0")))
	expectNode(t, index, "a-0", "gpu-1")
	expectWoken(t, index.Release("uid-a-0"), "a-0")
	expectNode(t, index, "a-0", "gpu-2")
}

func TestAHigherEpochSilencesAllLowerOnes(t *testing.T) {
	index := opened(round(t, 9, "Job gpu-1*1|0"))
	index.PutPod(pending(t, job, "a-0", 0), "")
	next := round(t, 1, "Deployment gpu-2*1")
	next.Epoch = 2
	index.PutRound(next)
	expectWait(t, index, "a-0", NoRound)
	index.PutRound(round(t, 10, "Job gpu-1*1|0"))
	expectWait(t, index, "a-0", NoRound)
	if counts := index.Counts(); counts.Epoch != 2 || counts.Rounds != 3 || counts.Outstanding != 1 || counts.Waiting[NoRound] != 1 {
		t.Errorf("%+v", counts)
	}
}

func TestAPodBoundElsewhereGivesItsPlaceBack(t *testing.T) {
	index := opened(round(t, 1, "Deployment gpu-1*1 gpu-2*1"))
	index.PutPod(pending(t, deployment, "a", NoRank), "")
	index.PutPod(pending(t, deployment, "b", NoRank), "")
	expectWoken(t, index.PutPod(pending(t, deployment, "a", NoRank), "gpu-2"), "b")
	expectNode(t, index, "b", "gpu-1")
}

func TestAnIndexForgetsWorkloadsThatAreGone(t *testing.T) {
	index := opened(round(t, 1, "Job gpu-1*1|0"))
	index.PutPod(pending(t, job, "a-0", 0), "gpu-1")
	index.RemoveRound("r-0000000001-0")
	index.RemovePod("uid-a-0")
	if len(index.workloads)+len(index.pods)+len(index.rounds) != 0 {
		t.Errorf("left behind: %v %v %v", index.workloads, index.pods, index.rounds)
	}
}
