package rounds

import (
	"reflect"
	"strings"
	"testing"
)

const request = "cpu=8000m,memory=17179869184,nvidia.com/gpu=8"

func text(nodes, ranks, pods string) LineText {
	return LineText{Workload: "vision-dev/pretrain", Kind: "Job", Nodes: nodes, Ranks: ranks, Pods: pods, Request: request}
}

func TestALineIsReadInTheOrderOfItsNodes(t *testing.T) {
	cases := map[string]struct {
		text LineText
		want []Entry
	}{
		"any pods": {text("gpu-1*1 gpu-2*2", "", ""), []Entry{{"", NoRank, "gpu-1"}, {"", NoRank, "gpu-2"}, {"", NoRank, "gpu-2"}}},
		"by rank":  {text("gpu-1*1 gpu-2*2", "3 7-8", ""), []Entry{{"", 3, "gpu-1"}, {"", 7, "gpu-2"}, {"", 8, "gpu-2"}}},
		"by name":  {text("gpu-1*2", "", "a-0 a-1"), []Entry{{"a-0", NoRank, "gpu-1"}, {"a-1", NoRank, "gpu-1"}}},
	}
	for name, each := range cases {
		t.Run(name, func(t *testing.T) {
			line, err := ParseLine(each.text)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(line.Entries, each.want) {
				t.Errorf("entries %v, want %v", line.Entries, each.want)
			}
			if want := (Key{"Job", "vision-dev", "pretrain"}); line.Key != want {
				t.Errorf("key %v, want %v", line.Key, want)
			}
			if line.Request.String() != request {
				t.Errorf("request %s, want %s", line.Request, request)
			}
		})
	}
}

func TestABadLineIsRefusedWithItsReason(t *testing.T) {
	with := func(change func(*LineText)) LineText {
		line := text("gpu-1*1", "", "")
		change(&line)
		return line
	}
	cases := map[string]struct {
		text LineText
		want string
	}{
		"no node":             {text("", "", ""), "no node is named"},
		"no count":            {text("gpu-1", "", ""), "`gpu-1` is not `node*count`"},
		"zero count":          {text("gpu-1*0", "", ""), "`gpu-1*0` is not `node*count`"},
		"signed count":        {text("gpu-1*+1", "", ""), "`gpu-1*+1` is not `node*count`"},
		"bad node":            {text("GPU_1*1", "", ""), "`GPU_1*1` is not `node*count`"},
		"too many":            {text("a*100000 b*100000", "", ""), "more than 131072 pods"},
		"too few ranks":       {text("gpu-1*2", "0", ""), "1 ranks for 2 places"},
		"too many ranks":      {text("gpu-1*2", "0-2", ""), "more ranks than places (2)"},
		"huge rank":           {text("gpu-1*1", "9223372036854775807", ""), "is not a rank"},
		"falling ranks":       {text("gpu-1*2", "2-1", ""), "`2-1` is not a rank"},
		"rank twice":          {text("gpu-1*2", "1 1", ""), "`1` is named twice"},
		"ranks and pods":      {text("gpu-1*1", "0", "a"), "ranks or pods, not both"},
		"too few pods":        {text("gpu-1*2", "", "a"), "1 pods for 2 places"},
		"pod twice":           {text("gpu-1*2", "", "a a"), "`a` is named twice"},
		"bad pod":             {text("gpu-1*1", "", "A"), "`A` is not the name of a pod"},
		"no namespace":        {with(func(l *LineText) { l.Workload = "pretrain" }), "is not `namespace/name`"},
		"two slashes":         {with(func(l *LineText) { l.Workload = "a/b/c" }), "is not `namespace/name`"},
		"unknown kind":        {with(func(l *LineText) { l.Kind = "CronJob" }), "kind `CronJob`"},
		"no request":          {with(func(l *LineText) { l.Request = "" }), "`` is not `resource=amount`"},
		"no accelerator":      {with(func(l *LineText) { l.Request = "cpu=1m,memory=1" }), "no accelerator is promised"},
		"cpu in cores":        {with(func(l *LineText) { l.Request = "cpu=8,nvidia.com/gpu=1" }), "is not in thousandths"},
		"half an accelerator": {with(func(l *LineText) { l.Request = "nvidia.com/gpu=0.5" }), "`0.5` is not a whole number"},
		"none":                {with(func(l *LineText) { l.Request = "nvidia.com/gpu=0" }), "is promised with none"},
		"negative":            {with(func(l *LineText) { l.Request = "nvidia.com/gpu=-1" }), "`-1` is not a whole number"},
		"promised twice":      {with(func(l *LineText) { l.Request = "nvidia.com/gpu=1,nvidia.com/gpu=1" }), "promised twice"},
	}
	for name, each := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := ParseLine(each.text)
			if err == nil || !strings.Contains(err.Error(), each.want) {
				t.Errorf("error %v, want one with %q", err, each.want)
			}
		})
	}
}

func TestAPromiseAdmitsTheSameAcceleratorsAndNoMoreOfTheRest(t *testing.T) {
	cases := map[string]bool{
		request:                                                       true,
		"cpu=0m,memory=0,nvidia.com/gpu=8":                            true,
		"cpu=8001m,memory=0,nvidia.com/gpu=8":                         false,
		"cpu=0m,memory=17179869185,nvidia.com/gpu=8":                  false,
		"cpu=0m,memory=0,nvidia.com/gpu=7":                            false,
		"cpu=0m,memory=0,nvidia.com/gpu=9":                            false,
		"cpu=0m,memory=0,amd.com/gpu=8":                               false,
		"cpu=0m,memory=0,nvidia.com/gpu=8,nvidia.com/mig-1g.10gb=1":   false,
		"cpu=0m,memory=0,nvidia.com/mig-1g.10gb=1":                    false,
		"cpu=8000m,memory=17179869184,amd.com/gpu=1,nvidia.com/gpu=8": false,
	}
	promised := mustRequest(t, request)
	for asked, want := range cases {
		if got := promised.Admits(mustRequest(t, asked)); got != want {
			t.Errorf("%s admitted: %v, want %v", asked, got, want)
		}
	}
}

func mustRequest(t testing.TB, text string) *Request {
	t.Helper()
	parsed, err := ParseRequest(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func FuzzALineIsReadOrRefused(f *testing.F) {
	f.Add("a/b", "Job", "n*1 m*2", "0-2", "", request)
	f.Add("a/b", "Pod", "n*1", "", "b", request)
	f.Add("a/b", "Job", "n*99999999999999999999", "9223372036854775807-9223372036854775807", "", "cpu=m,memory=,=")
	f.Fuzz(func(t *testing.T, workload, kind, nodes, ranks, pods, request string) {
		line, err := ParseLine(LineText{workload, kind, nodes, ranks, pods, request})
		if err != nil {
			return
		}
		if len(line.Entries) == 0 || len(line.Entries) > MaxPods {
			t.Errorf("%d entries", len(line.Entries))
		}
		if again, err := ParseRequest(line.Request.String()); err != nil || !reflect.DeepEqual(again, line.Request) {
			t.Errorf("%s read again as %v: %v", line.Request, again, err)
		}
	})
}
