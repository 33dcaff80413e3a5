package replay

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"commonpool.dev/scheduler/packing"
)

// podsPerNode is how many pods a node takes in the published evaluation.
const podsPerNode = 1001

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

// Read reads nodes and pods; nodes without accelerators are left out.
func Read(nodes, pods io.Reader) (*Trace, error) {
	trace := &Trace{}
	known := &models{bits: make(map[string]uint8)}
	if err := trace.readNodes(nodes, known); err != nil {
		return nil, fmt.Errorf("nodes: %w", err)
	}
	if err := trace.readPods(pods, known); err != nil {
		return nil, fmt.Errorf("pods: %w", err)
	}
	return trace, nil
}

func (t *Trace) readNodes(from io.Reader, known *models) error {
	type named struct {
		name string
		node packing.Node
	}
	var all []named
	err := eachRow(from, func(row row) error {
		cards := row.number("gpu")
		if row.err != nil || cards == 0 {
			return row.err
		}
		if cards < 0 || cards > packing.MaxCards {
			return fmt.Errorf("a node of %d accelerators", cards)
		}
		bit, err := known.bit(row.text("model"))
		if err != nil {
			return err
		}
		node := packing.NewNode(row.number("cpu_milli"), row.number("memory_mib"), podsPerNode, int(cards), bit)
		all = append(all, named{row.text("sn"), node})
		t.Capacity += cards * packing.CardMilli
		return row.err
	})
	slices.SortStableFunc(all, func(a, b named) int { return strings.Compare(a.name, b.name) })
	for _, each := range all {
		t.Nodes = append(t.Nodes, each.node)
	}
	if err == nil && len(t.Nodes) == 0 {
		return fmt.Errorf("none has accelerators")
	}
	return err
}

func (t *Trace) readPods(from io.Reader, known *models) error {
	err := eachRow(from, func(row row) error {
		cards := row.number("num_gpu")
		milli := min(max(row.number("gpu_milli"), 0), packing.CardMilli)
		if cards == 0 {
			milli = 0
		}
		if cards < 0 || cards > 1 && milli != packing.CardMilli || cards == 1 && milli == 0 {
			return fmt.Errorf("%d accelerators of %d milli", cards, milli)
		}
		spec := row.text("gpu_spec")
		mask, err := known.mask(spec)
		if err != nil {
			return err
		}
		shape := packing.Shape{CPU: row.number("cpu_milli"), Memory: row.number("memory_mib"), Cards: cards, Milli: milli, Models: mask}
		pod := Pod{Name: row.text("name"), Spec: spec, Shape: shape}
		if row.has("creation_time") && row.has("deletion_time") {
			t.Timed = true
			pod.CreatedAt, pod.DeletedAt = row.number("creation_time"), row.number("deletion_time")
			if pod.CreatedAt < 0 || pod.DeletedAt < pod.CreatedAt {
				return fmt.Errorf("a pod from second %d to second %d", pod.CreatedAt, pod.DeletedAt)
			}
		}
		t.Pods = append(t.Pods, pod)
		return row.err
	})
	slices.SortStableFunc(t.Pods, func(a, b Pod) int { return strings.Compare(a.Name, b.Name) })
	if err == nil && len(t.Pods) == 0 {
		return fmt.Errorf("there are none")
	}
	return err
}

// row is one line; the first number that is none stays in err.
type row struct {
	columns map[string]int
	fields  []string
	err     error
}

func (r *row) has(column string) bool {
	_, known := r.columns[column]
	return known
}

func (r *row) text(column string) string {
	if at, known := r.columns[column]; known {
		return r.fields[at]
	}
	return ""
}

func (r *row) number(column string) int64 {
	number, err := strconv.ParseInt(r.text(column), 10, 64)
	if err == nil && (number > packing.MaxAmount || number < -packing.MaxAmount) {
		err = packing.ErrOverflow
	}
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("column %s: %w", column, err)
	}
	return number
}

func eachRow(from io.Reader, take func(row) error) error {
	reader := csv.NewReader(from)
	header, err := reader.Read()
	if err != nil {
		return err
	}
	columns := make(map[string]int, len(header))
	for at, column := range header {
		columns[column] = at
	}
	for {
		fields, err := reader.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := take(row{columns: columns, fields: fields}); err != nil {
			line, _ := reader.FieldPos(0)
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}
