package replay

import (
	"slices"
	"strings"
	"testing"

	"commonpool.dev/scheduler/packing"
)

const (
	twoNodes = "sn,cpu_milli,memory_mib,gpu,model\nb,8000,100,2,X\nnone,8000,100,0,\na,4000,100,4,Y\n"
	header   = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\n"
)

func read(t *testing.T, pods string) *Trace {
	t.Helper()
	trace, err := Read(strings.NewReader(twoNodes), strings.NewReader(header+pods))
	if err != nil {
		t.Fatal(err)
	}
	return trace
}

func TestNodesAndPodsAreInTheOrderOfTheirNames(t *testing.T) {
	trace := read(t, "q,1000,1,1,2000,Y|X\np,500,1,0,300,\n")
	if len(trace.Nodes) != 2 || trace.Nodes[0].CPU != 4000 || trace.Capacity != 6000 {
		t.Errorf("nodes are %+v", trace.Nodes)
	}
	want := []Pod{
		{Name: "p", Shape: packing.Shape{CPU: 500, Memory: 1}},
		{Name: "q", Spec: "Y|X", Shape: packing.Shape{CPU: 1000, Memory: 1, Cards: 1, Milli: 1000, Models: 3}},
	}
	if !slices.Equal(trace.Pods, want) {
		t.Errorf("pods are %+v", trace.Pods)
	}
}

func TestAListThatCannotBeMeantIsRefused(t *testing.T) {
	for pods, why := range map[string]string{
		"p,1,1,2,500,\n":                   "parts of several cards",
		"p,1,1,-1,0,\n":                    "less than none",
		"p,x,1,1,1000,\n":                  "no number",
		"p,1,1,1,0,\n":                     "nothing of a card",
		"p,9223372036854775807,1,0,0,\n":   "beyond the limits",
		"":                                 "no pods",
		"p,1,1,1\n":                        "a short line",
		"p,1,1,1,1000,,and something else": "a long line",
	} {
		if _, err := Read(strings.NewReader(twoNodes), strings.NewReader(header+pods)); err == nil {
			t.Errorf("%s: taken", why)
		}
	}
}

func TestTimesAreReadWhereTheListHasThem(t *testing.T) {
	timed := func(times string) (*Trace, error) {
		return Read(strings.NewReader(twoNodes), strings.NewReader("name,cpu_milli,memory_mib,num_gpu,gpu_milli,creation_time,deletion_time\np,1,1,1,500,"+times+"\n"))
	}
	if trace, err := timed("7,9"); err != nil || !trace.Timed || trace.Pods[0].CreatedAt != 7 || trace.Pods[0].DeletedAt != 9 {
		t.Errorf("%+v: %v", trace, err)
	}
	if trace := read(t, "p,1,1,1,500,\n"); trace.Timed {
		t.Errorf("%+v has times", trace)
	}
	for _, times := range []string{"9,7", "-1,7", "7,", ","} {
		if _, err := timed(times); err == nil {
			t.Errorf("times %s are taken", times)
		}
	}
}

func TestPodsArriveUpToThirtyPercentBeyondTheCapacity(t *testing.T) {
	for name, pods := range map[string]string{
		"a short list is drawn from again": "a,1,1,1,1000,\nb,1,1,1,500,\nc,1,1,0,0,\n",
		"a long list is cut":               strings.Repeat("a,1,1,4,1000,\nb,1,1,1,700,\n", 5),
	} {
		trace := read(t, pods)
		order, ranks := trace.Arrive(42)
		total := int64(0)
		for _, pod := range order {
			total += trace.Pods[pod].Shape.Accelerators()
		}
		if total > trace.Capacity*13/10 || total < trace.Capacity*6/10 {
			t.Errorf("%s: %d milli of %d arrive", name, total, trace.Capacity)
		}
		slices.Sort(ranks)
		if !slices.Equal(ranks, []int32{0, 1}) {
			t.Errorf("%s: ranks are %v", name, ranks)
		}
	}
}

func TestTheMixIsTheClassesThatCoverMostPods(t *testing.T) {
	trace := read(t, strings.Repeat("a,1000,1,1,1000,\n", 15)+strings.Repeat("b,1,2,0,0,\n", 4)+"c,1,1,4,1000,\n")
	mix := trace.Mix()
	if len(mix) != 2 || mix[0].Count != 15 || mix[1].Shape != (packing.Shape{CPU: 1}) {
		t.Errorf("the mix is %+v", mix)
	}
}
