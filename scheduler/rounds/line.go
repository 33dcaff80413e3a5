package rounds

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
)

// MaxPods is how many pods one line may place: far beyond the largest gang, and
// small enough that no line can exhaust the scheduler's memory.
const MaxPods = 1 << 17

// NoRank is the rank of a pod, or of an entry, that has none.
const NoRank = -1

// Key is the object whose pods a line places.
type Key struct{ Kind, Namespace, Name string }

func (k Key) String() string { return k.Kind + " " + k.Namespace + "/" + k.Name }

// Entry is one place of a line: for the pod of that name, or of that rank, or
// (name empty, rank NoRank) for any pod of the key.
type Entry struct {
	Pod  string
	Rank int
	Node string
}

// LineText is a gang line as a Round has it.
type LineText struct {
	Workload, Kind, Nodes, Ranks, Pods, Request string
}

// Line is one gang of a Round.
type Line struct {
	Key     Key
	Request *Request
	Entries []Entry
}

var (
	kinds = map[string]bool{"Job": true, "Deployment": true, "StatefulSet": true, "ReplicaSet": true, "Pod": true}
	name  = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)
)

// ParseLine reads one gang line; the error says which text is wrong and why.
func ParseLine(text LineText) (Line, error) {
	namespace, workload, found := strings.Cut(text.Workload, "/")
	if !found || !name.MatchString(namespace) || !name.MatchString(workload) {
		return Line{}, fmt.Errorf("workload `%s` is not `namespace/name`", text.Workload)
	}
	if !kinds[text.Kind] {
		return Line{}, fmt.Errorf("no pod is traced back to kind `%s`", text.Kind)
	}
	request, err := ParseRequest(text.Request)
	if err != nil {
		return Line{}, fmt.Errorf("request `%s`: %w", text.Request, err)
	}
	entries, err := parseEntries(text)
	if err != nil {
		return Line{}, err
	}
	return Line{Key{text.Kind, namespace, workload}, request, entries}, nil
}

func parseEntries(text LineText) ([]Entry, error) {
	entries, err := parseNodes(text.Nodes)
	if err != nil {
		return nil, fmt.Errorf("nodes: %w", err)
	}
	ranks, pods := strings.Fields(text.Ranks), strings.Fields(text.Pods)
	switch {
	case len(ranks) > 0 && len(pods) > 0:
		return nil, errors.New("a line names ranks or pods, not both")
	case len(ranks) > 0:
		err = seatRanks(entries, ranks)
	case len(pods) > 0:
		err = seatPods(entries, pods)
	}
	return entries, err
}

// parseNodes reads `gpu-1*8 gpu-2*2`: eight pods on the first node, then two.
func parseNodes(text string) ([]Entry, error) {
	var entries []Entry
	for run := range strings.FieldsSeq(text) {
		node, times, found := strings.Cut(run, "*")
		if !found || !name.MatchString(node) {
			return nil, fmt.Errorf("`%s` is not `node*count`", run)
		}
		count, err := parseDecimal(times)
		if err != nil || count == 0 {
			return nil, fmt.Errorf("`%s` is not `node*count`", run)
		}
		if count > int64(MaxPods-len(entries)) {
			return nil, fmt.Errorf("more than %d pods in one line", MaxPods)
		}
		for range count {
			entries = append(entries, Entry{Rank: NoRank, Node: node})
		}
	}
	if len(entries) == 0 {
		return nil, errors.New("no node is named")
	}
	return entries, nil
}

// seatRanks gives the ranks of `0-3 7` to the entries, in order.
func seatRanks(entries []Entry, spans []string) error {
	seen := make(map[int64]bool, len(entries))
	next := 0
	for _, span := range spans {
		low, high, isSpan := strings.Cut(span, "-")
		if !isSpan {
			high = low
		}
		first, err := parseDecimal(low)
		last, err2 := parseDecimal(high)
		if err != nil || err2 != nil || last < first || last > math.MaxInt32 {
			return fmt.Errorf("ranks: `%s` is not a rank or `first-last`", span)
		}
		if last-first >= int64(len(entries)-next) {
			return fmt.Errorf("more ranks than places (%d)", len(entries))
		}
		for rank := first; rank <= last; rank++ {
			if seen[rank] {
				return fmt.Errorf("ranks: `%d` is named twice", rank)
			}
			seen[rank] = true
			entries[next].Rank = int(rank)
			next++
		}
	}
	if next != len(entries) {
		return fmt.Errorf("%d ranks for %d places", next, len(entries))
	}
	return nil
}

func seatPods(entries []Entry, pods []string) error {
	if len(pods) != len(entries) {
		return fmt.Errorf("%d pods for %d places", len(pods), len(entries))
	}
	seen := make(map[string]bool, len(pods))
	for i, pod := range pods {
		if !name.MatchString(pod) {
			return fmt.Errorf("pods: `%s` is not the name of a pod", pod)
		}
		if seen[pod] {
			return fmt.Errorf("pods: `%s` is named twice", pod)
		}
		seen[pod] = true
		entries[i].Pod = pod
	}
	return nil
}
