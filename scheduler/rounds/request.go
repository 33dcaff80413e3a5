package rounds

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Amount is so many whole units of an extended resource.
type Amount struct {
	Resource string
	Count    int64
}

// Request is what one pod asks for, or what a Round promises to one pod.
// Accelerators are sorted by resource and never zero.
type Request struct {
	CPUMilli     int64
	MemoryBytes  int64
	Accelerators []Amount
}

// SortAccelerators puts the accelerators into their canonical order.
func SortAccelerators(accelerators []Amount) {
	slices.SortFunc(accelerators, func(a, b Amount) int { return cmp.Compare(a.Resource, b.Resource) })
}

// Admits says whether a pod that asks for `asked` may use a promise of r: the same
// accelerators, no more cpu, no more memory.
func (r *Request) Admits(asked *Request) bool {
	return asked.CPUMilli <= r.CPUMilli && asked.MemoryBytes <= r.MemoryBytes &&
		slices.Equal(asked.Accelerators, r.Accelerators)
}

// String is the text of a Round's request.
func (r *Request) String() string {
	parts := []string{fmt.Sprintf("cpu=%dm", r.CPUMilli), fmt.Sprintf("memory=%d", r.MemoryBytes)}
	for _, amount := range r.Accelerators {
		parts = append(parts, fmt.Sprintf("%s=%d", amount.Resource, amount.Count))
	}
	slices.Sort(parts)
	return strings.Join(parts, ",")
}

// ParseRequest reads `cpu=8000m,memory=17179869184,nvidia.com/gpu=8`. What it does
// not name is not promised; at least one accelerator must be.
func ParseRequest(text string) (*Request, error) {
	request := &Request{}
	seen := map[string]bool{}
	for part := range strings.SplitSeq(text, ",") {
		name, value, found := strings.Cut(part, "=")
		if !found || name == "" {
			return nil, fmt.Errorf("`%s` is not `resource=amount`", part)
		}
		if seen[name] {
			return nil, fmt.Errorf("`%s` is promised twice", name)
		}
		seen[name] = true
		digits := value
		if name == "cpu" {
			var milli bool
			if digits, milli = strings.CutSuffix(value, "m"); !milli {
				return nil, fmt.Errorf("cpu `%s` is not in thousandths, e.g. `8000m`", value)
			}
		}
		amount, err := parseDecimal(digits)
		if err != nil {
			return nil, fmt.Errorf("amount of `%s`: %w", name, err)
		}
		switch name {
		case "cpu":
			request.CPUMilli = amount
		case "memory":
			request.MemoryBytes = amount
		default:
			if amount == 0 {
				return nil, fmt.Errorf("`%s` is promised with none", name)
			}
			request.Accelerators = append(request.Accelerators, Amount{name, amount})
		}
	}
	if len(request.Accelerators) == 0 {
		return nil, errors.New("no accelerator is promised")
	}
	SortAccelerators(request.Accelerators)
	return request, nil
}

// parseDecimal takes plain digits only: no sign, no leading zero.
func parseDecimal(text string) (int64, error) {
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil || text[0] == '+' || text[0] == '-' || (text[0] == '0' && len(text) > 1) {
		return 0, fmt.Errorf("`%s` is not a whole number", text)
	}
	return value, nil
}
