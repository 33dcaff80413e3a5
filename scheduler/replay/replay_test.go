package replay

import (
	"os"
	"path/filepath"
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

func TestAListThatCannotBeMeantIsRefusedInWords(t *testing.T) {
	for pods, why := range map[string]string{
		header + "p,1,1,-1,0,\n":                    "pods: line 2: column num_gpu: -1 is less than nothing",
		header + "q,1,1,1,9,\np,-1,1,1,9,\n":        "pods: line 3: column cpu_milli: -1 is less than nothing",
		header + "p,1,-7,1,9,\n":                    "pods: line 2: column memory_mib: -7 is less than nothing",
		header + "p,x,1,1,1000,\n":                  "pods: line 2: column cpu_milli: \"x\" is no whole number",
		header + "p,1,1,,1000,\n":                   "pods: line 2: column num_gpu: empty, but a whole number is needed",
		header + "p,1,1,1,0,\n":                     "pods: line 2: column gpu_milli: 0 milli of 1 accelerators is none of any",
		header + "p,9223372036854775807,1,0,0,\n":   "pods: line 2: column cpu_milli: 9223372036854775807: ",
		header + "p,1,1,1048577,1000,\n":            "pods: line 2: column num_gpu: 1048577 accelerators for one pod",
		header:                                      "pods: there are no pods in it",
		header + "p,1,1,0,0,\nq,1,1,0,0,\n":         "pods: none of its 2 pods wants an accelerator, so no load ever arrives",
		header + "p,1,1,1\n":                        "pods: record on line 2: wrong number of fields",
		header + "p,1,1,1,1000,,and something else": "pods: record on line 2: wrong number of fields",
		"": "pods: the file is empty: its first line must name the columns name,cpu_milli,memory_mib,num_gpu,gpu_milli",
		"name,cpu_milli,memory_mib,gpu_milli\np,1,1,1": "pods: line 1: there is no column `num_gpu`: it must name name,cpu_milli",
	} {
		if _, err := Read(strings.NewReader(twoNodes), strings.NewReader(pods)); err == nil || !strings.HasPrefix(err.Error(), why) {
			t.Errorf("%q: %v, not %s", pods, err, why)
		}
	}
	for nodes, why := range map[string]string{
		"":                                  "nodes: the file is empty",
		"sn,cpu_milli,gpu,model\na,1,2,X\n": "nodes: line 1: there is no column `memory_mib`",
		"sn,cpu_milli,memory_mib,gpu,model\na,-1,1,2,X\n": "nodes: line 2: column cpu_milli: -1 is less than nothing",
		"sn,cpu_milli,memory_mib,gpu,model\na,1,1,-2,X\n": "nodes: line 2: column gpu: -2 is less than nothing",
		"sn,cpu_milli,memory_mib,gpu,model\na,1,1,0,X\n":  "nodes: none of its nodes has accelerators",
	} {
		if _, err := Read(strings.NewReader(nodes), strings.NewReader(header+"p,1,1,1,9,\n")); err == nil || !strings.HasPrefix(err.Error(), why) {
			t.Errorf("%q: %v, not %s", nodes, err, why)
		}
	}
}

func TestWhatIsRefusedNamesItsFile(t *testing.T) {
	pods, err := os.Create(filepath.Join(t.TempDir(), "pods.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer pods.Close()
	if _, err := Read(strings.NewReader(twoNodes), pods); err == nil || !strings.HasPrefix(err.Error(), pods.Name()+": the file is empty") {
		t.Error(err)
	}
}

func TestSeveralAcceleratorsAreWholeOnes(t *testing.T) {
	if shape := read(t, "p,1,1,2,500,\n").Pods[0].Shape; shape.Milli != packing.CardMilli || shape.Cards != 2 {
		t.Errorf("%+v", shape)
	}
}

func TestModelsThatNoNodeHasAreNamed(t *testing.T) {
	trace := read(t, "p,1,1,1,9,V\nq,1,1,1,9,X|W\nr,1,1,1,9,W|V\ns,1,1,1,9,\n")
	if !slices.Equal(trace.Unknown, []string{"V", "W"}) || trace.NeverFitting != 2 {
		t.Errorf("%v, %d pods", trace.Unknown, trace.NeverFitting)
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
