package main

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"commonpool.dev/scheduler/replay/departures"
)

// The pods are 22 of the recorded ones of a busy night, the nodes four of the recorded ones.
func TestAnExcerptOfTheRecordingIsReplayedAsEver(t *testing.T) {
	want, err := os.ReadFile("testdata/times.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	policies, err := choose("FGD,commonpool", false)
	if err != nil {
		t.Fatal(err)
	}
	asked := times{[]int{0, 110}, departures.Setting{Queue: departures.Skip, Samples: 4}, 1, policies, []string{"commonpool"}}
	var got bytes.Buffer
	if err := asked.replayList(json.NewEncoder(&got), "testdata/nodes.csv", "testdata/pods.csv", []int{42}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("got\n%s", got.Bytes())
	}
}

func TestWhatCannotBeReplayedIsRefused(t *testing.T) {
	for name, change := range map[string]func(*timesFlags){
		"a load below zero":     func(f *timesFlags) { *f.loads = "-1" },
		"no number":             func(f *timesFlags) { *f.loads = "80,x" },
		"a load twice":          func(f *timesFlags) { *f.loads = "80,80" },
		"moves twice":           func(f *timesFlags) { *f.moves = "FGD,FGD" },
		"too much":              func(f *timesFlags) { *f.loads = "80,1001" },
		"no nodes":              func(f *timesFlags) { *f.every = 0 },
		"no samples":            func(f *timesFlags) { *f.samples = 0 },
		"an unknown discipline": func(f *timesFlags) { *f.queue = "lifo" },
		"moves of nobody's":     func(f *timesFlags) { *f.moves = "FGD,nobody" },
	} {
		loads, queue, moves, every, samples := "80", "strict", "FGD", 1, 1
		flags := timesFlags{&loads, &queue, &moves, &every, &samples}
		if _, err := flags.check(nil); err != nil {
			t.Fatal(err)
		}
		change(&flags)
		if _, err := flags.check(nil); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
