// Command replay packs recorded lists of pods with several policies and writes one JSON object per list, seed, policy and arrival; or, with
// -mig, random streams of pods that want MIG instances.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"commonpool.dev/scheduler/replay"
	"commonpool.dev/scheduler/replay/policies"
)

// gcPercent lets the collector rest during a replay: a run needs some megabytes, and clears up before the next.
const gcPercent = 800

// line is one object of the output.
type line struct {
	List                string  `json:"list"`
	Seed                int64   `json:"seed"`
	Policy              string  `json:"policy"`
	Arrival             int     `json:"arrival"`
	AllocatedPercent    float64 `json:"allocated_percent"`
	PlacedPods          int     `json:"placed_pods"`
	PlacedMultiGPUPods  int     `json:"placed_multi_gpu_pods"`
	PlacementsPerSecond float64 `json:"placements_per_second"`
	OpenSeconds         float64 `json:"open_seconds"`
}

func main() {
	runtime.GOMAXPROCS(1) // placements a second are those of one core
	debug.SetGCPercent(gcPercent)
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		os.Exit(1)
	}
}

func run() error {
	nodes := flag.String("nodes", "", "the CSV `file` of the nodes")
	names := flag.String("policies", "", "`names` of policies, with commas (all of them)")
	seeds := flag.String("seeds", "42", "`numbers`, with commas")
	arrivals := flag.String("arrivals", "80,90,95,100,130", "percent of the capacity at which to tell, `numbers` with commas")
	orders := flag.Bool("orders", false, "write the orders of arrival and the ranks of nodes instead, and replay nothing")
	whole := flag.Bool("whole", false, "leave out the pods that want a part of one accelerator")
	withTimes := readTimesFlags()
	migNodes := flag.Int("mig", 0, "pack random streams of MIG instances onto so many `nodes` instead; -arrivals is what is offered at once")
	flag.Parse()
	chosen, err := choose(*names, *whole)
	if err != nil {
		return err
	}
	seedNumbers, err := numbers(*seeds)
	if err != nil {
		return err
	}
	loads, err := numbers(*arrivals)
	if err != nil {
		return err
	}
	if slices.Min(loads) < 1 || slices.Max(loads) > replay.MaxArrival {
		return fmt.Errorf("arrivals are percent in 1..%d", replay.MaxArrival)
	}
	write := func(out *json.Encoder, pods string) error {
		return replayList(out, *nodes, pods, chosen, seedNumbers, loads, *whole)
	}
	switch {
	case *orders:
		write = func(out *json.Encoder, pods string) error { return writeOrders(out, *nodes, pods, seedNumbers) }
	case *withTimes.loads != "":
		asked, err := withTimes.check(chosen)
		if err != nil {
			return err
		}
		write = func(out *json.Encoder, pods string) error { return asked.replayList(out, *nodes, pods, seedNumbers) }
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	if *migNodes > 0 {
		return packInstances(json.NewEncoder(out), *migNodes, seedNumbers, loads)
	}
	for _, pods := range flag.Args() {
		if err := write(json.NewEncoder(out), pods); err != nil {
			return err
		}
		out.Flush()
	}
	return nil
}

func read(nodes, pods string) (*replay.Trace, error) {
	nodesFile, err := os.Open(nodes)
	if err != nil {
		return nil, err
	}
	defer nodesFile.Close()
	podsFile, err := os.Open(pods)
	if err != nil {
		return nil, err
	}
	defer podsFile.Close()
	trace, err := replay.Read(nodesFile, podsFile)
	if err != nil {
		return nil, err
	}
	if len(trace.Unknown) > 0 {
		fmt.Fprintf(os.Stderr, "replay: %s: no node is of the models %s: %d of its %d pods take no other and never fit\n",
			pods, strings.Join(trace.Unknown, ", "), trace.NeverFitting, len(trace.Pods))
	}
	return trace, nil
}

func nameOf(pods string) string { return strings.TrimSuffix(filepath.Base(pods), filepath.Ext(pods)) }

// order is what a replay in another program needs to be the same.
type order struct {
	List  string  `json:"list"`
	Pods  string  `json:"pods"` // the file
	Seed  int     `json:"seed"`
	Order []int   `json:"order"` // indexes of pods in the order of their names
	Ranks []int32 `json:"ranks"` // of nodes in the order of theirs
}

func writeOrders(out *json.Encoder, nodes, pods string, seeds []int) error {
	trace, err := read(nodes, pods)
	if err != nil {
		return err
	}
	for _, seed := range seeds {
		arrivals, ranks := trace.Arrive(int64(seed))
		if err := out.Encode(order{nameOf(pods), pods, seed, arrivals, ranks}); err != nil {
			return err
		}
	}
	return nil
}

func replayList(out *json.Encoder, nodes, pods string, chosen []replay.Policy, seeds, arrivals []int, whole bool) error {
	trace, err := read(nodes, pods)
	if err != nil {
		return err
	}
	if whole {
		if err := trace.LeaveWhole(); err != nil {
			return fmt.Errorf("%s: %w", pods, err)
		}
	}
	list := nameOf(pods)
	for _, seed := range seeds {
		for _, policy := range chosen {
			ran := trace.Replay(policy, int64(seed), arrivals)
			for _, at := range ran.Results {
				err := out.Encode(line{list, int64(seed), policy.Name, at.Arrival, at.AllocatedPercent, at.PlacedPods, at.PlacedMultiGPUPods,
					float64(ran.Placements) / ran.PlaceSeconds, ran.OpenSeconds})
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func choose(names string, whole bool) ([]replay.Policy, error) {
	switch {
	case names == "" && whole:
		return append(slices.Clone(policies.All), policies.Planner), nil
	case names == "":
		return policies.All, nil
	}
	var chosen []replay.Policy
	for name := range strings.SplitSeq(names, ",") {
		policy, err := policies.Find(name)
		if err != nil {
			return nil, err
		}
		if name == policies.Planner.Name && !whole {
			return nil, fmt.Errorf("policy %q places whole accelerators only: leave the other pods out with -whole", name)
		}
		if slices.ContainsFunc(chosen, func(each replay.Policy) bool { return each.Name == policy.Name }) {
			return nil, fmt.Errorf("policy %q is named twice", name)
		}
		chosen = append(chosen, policy)
	}
	return chosen, nil
}

func numbers(text string) ([]int, error) {
	var all []int
	for each := range strings.SplitSeq(text, ",") {
		number, err := strconv.Atoi(each)
		if err != nil {
			return nil, fmt.Errorf("%q is no list of whole numbers with commas", text)
		}
		if slices.Contains(all, number) {
			return nil, fmt.Errorf("%d is named twice in %s", number, text)
		}
		all = append(all, number)
	}
	return all, nil
}
