package replay

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"commonpool.dev/scheduler/packing"
)

// podsPerNode is how many pods a node takes in the published evaluation.
const podsPerNode = 1001

// maxCards is how many accelerators a pod may ask for; far more than any node has, and all of a list's pods still add up.
const maxCards = 1 << 20

var (
	nodeColumns = []string{"sn", "cpu_milli", "memory_mib", "gpu", "model"}
	podColumns  = []string{"name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli"}
)

// Pod is one line of a pod list.
type Pod struct {
	Name  string
	Spec  string // the models that will do, as the list says it
	Shape packing.Shape

	CreatedAt, DeletedAt int64 // seconds of the recording; both 0 where the list has no times
}

// Trace is the nodes and the pods of one list, both in the order of their names.
type Trace struct {
	Nodes    []packing.Node
	Pods     []Pod
	Capacity int64 // milli-accelerators of all nodes
	Timed    bool  // the list says when pods came and went

	Unknown      []string // models that pods insist on and no node has, in the order of their names
	NeverFitting int      // pods that insist on such models only
}

// Models gives every model of card a bit.
type models struct{ bits map[string]uint8 }

func (m *models) bit(name string) (uint8, error) {
	bit, known := m.bits[name]
	if !known {
		bit = uint8(len(m.bits))
		if bit >= packing.MaxModels {
			return 0, fmt.Errorf("more than %d models of card", packing.MaxModels)
		}
		m.bits[name] = bit
	}
	return bit, nil
}

func (m *models) mask(spec string) (mask uint64, err error) {
	if spec == "" {
		return 0, nil
	}
	for name := range strings.SplitSeq(spec, "|") {
		bit, err := m.bit(name)
		if err != nil {
			return 0, err
		}
		mask |= 1 << bit
	}
	return mask, nil
}

// Read reads nodes and pods; nodes without accelerators are left out. What is refused is told with the name of the reader, if it is a file,
// and the line.
func Read(nodes, pods io.Reader) (*Trace, error) {
	trace := &Trace{}
	known := &models{bits: make(map[string]uint8)}
	if err := trace.readNodes(nodes, known); err != nil {
		return nil, fmt.Errorf("%s: %w", nameOf(nodes, "nodes"), err)
	}
	ofNodes := maps.Clone(known.bits)
	if err := trace.readPods(pods, known); err != nil {
		return nil, fmt.Errorf("%s: %w", nameOf(pods, "pods"), err)
	}
	trace.findUnknown(ofNodes, known)
	return trace, nil
}

func nameOf(from io.Reader, otherwise string) string {
	if file, named := from.(interface{ Name() string }); named {
		return file.Name()
	}
	return otherwise
}

func (t *Trace) findUnknown(ofNodes map[string]uint8, known *models) {
	mask := uint64(0)
	for name, bit := range known.bits {
		if _, there := ofNodes[name]; there {
			mask |= 1 << bit
		} else {
			t.Unknown = append(t.Unknown, name)
		}
	}
	slices.Sort(t.Unknown)
	for i := range t.Pods {
		if wanted := t.Pods[i].Shape.Models; wanted != 0 && wanted&mask == 0 {
			t.NeverFitting++
		}
	}
}

func (t *Trace) readNodes(from io.Reader, known *models) error {
	type named struct {
		name string
		node packing.Node
	}
	var all []named
	err := eachRow(from, nodeColumns, func(row row) error {
		cards := row.amount("gpu")
		if row.err != nil || cards == 0 {
			return row.err
		}
		if cards > packing.MaxCards {
			return fmt.Errorf("column gpu: a node of %d accelerators, and at most %d can be packed", cards, packing.MaxCards)
		}
		bit, err := known.bit(row.text("model"))
		if err != nil {
			return err
		}
		node := packing.NewNode(row.amount("cpu_milli"), row.amount("memory_mib"), podsPerNode, int(cards), bit)
		all = append(all, named{row.text("sn"), node})
		t.Capacity += cards * packing.CardMilli
		return row.err
	})
	slices.SortStableFunc(all, func(a, b named) int { return strings.Compare(a.name, b.name) })
	for _, each := range all {
		t.Nodes = append(t.Nodes, each.node)
	}
	if err == nil && len(t.Nodes) == 0 {
		return errors.New("none of its nodes has accelerators: column `gpu` is how many")
	}
	return err
}

func (t *Trace) readPods(from io.Reader, known *models) error {
	err := eachRow(from, podColumns, func(row row) error {
		cards := row.amount("num_gpu")
		milli := min(row.number("gpu_milli"), packing.CardMilli)
		switch {
		case row.err != nil:
			return row.err
		case cards == 0:
			milli = 0
		case milli < 1:
			return fmt.Errorf("column gpu_milli: %d milli of %d accelerators is none of any: 1 to 1000, or 0 in num_gpu", milli, cards)
		case cards > maxCards:
			return fmt.Errorf("column num_gpu: %d accelerators for one pod, and at most %d can be asked for", cards, maxCards)
		case cards > 1:
			milli = packing.CardMilli // several are completely free ones, as published, so as many whole ones are asked for
		}
		spec := row.text("gpu_spec")
		mask, err := known.mask(spec)
		if err != nil {
			return err
		}
		shape := packing.Shape{CPU: row.amount("cpu_milli"), Memory: row.amount("memory_mib"), Cards: cards, Milli: milli, Models: mask}
		pod := Pod{Name: row.text("name"), Spec: spec, Shape: shape}
		if row.has("creation_time") && row.has("deletion_time") {
			t.Timed = true
			pod.CreatedAt, pod.DeletedAt = row.number("creation_time"), row.number("deletion_time")
			if pod.CreatedAt < 0 || pod.DeletedAt < pod.CreatedAt {
				return cmp.Or(row.err, fmt.Errorf("columns creation_time, deletion_time: a pod from second %d to second %d", pod.CreatedAt, pod.DeletedAt))
			}
		}
		t.Pods = append(t.Pods, pod)
		return row.err
	})
	slices.SortStableFunc(t.Pods, func(a, b Pod) int { return strings.Compare(a.Name, b.Name) })
	switch {
	case err != nil:
		return err
	case len(t.Pods) == 0:
		return errors.New("there are no pods in it, only the line with the columns")
	case !slices.ContainsFunc(t.Pods, func(each Pod) bool { return each.Shape.Cards > 0 }):
		return fmt.Errorf("none of its %d pods wants an accelerator, so no load ever arrives: column `num_gpu` must be above 0 for some", len(t.Pods))
	}
	return nil
}

// LeaveWhole leaves out the pods that want a part of one accelerator.
func (t *Trace) LeaveWhole() error {
	t.Pods = slices.DeleteFunc(t.Pods, func(pod Pod) bool { return pod.Shape.Shared() })
	if !slices.ContainsFunc(t.Pods, func(pod Pod) bool { return pod.Shape.Cards > 0 }) {
		return errors.New("none of its pods wants a whole accelerator")
	}
	return nil
}
