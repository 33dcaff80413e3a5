package plugin

import (
	"bytes"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/set"
	"sigs.k8s.io/yaml"
)

// Mode says how much the plugin decides.
type Mode string

// The modes of a profile.
const (
	// Enforce: pods are held until a Round names them and go where it says.
	Enforce Mode = "Enforce"
	// ScoreOnly: pods go where they lose the pool the least; Rounds are not read.
	ScoreOnly Mode = "ScoreOnly"
)

// Args are the plugin's arguments in the scheduler's configuration
// (pluginConfig, name CommonPool).
type Args struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind,omitempty"`

	// Mode is Enforce unless said otherwise.
	Mode Mode `json:"mode,omitempty"`
	// UncountedResources are extended resources that pods may ask for although no
	// Round promises them, e.g. `rdma/hca`. All others must be promised.
	UncountedResources []string `json:"uncountedResources,omitempty"`
	// AcceleratorResources are the extended resources that nodes are ranked by.
	AcceleratorResources []string `json:"acceleratorResources,omitempty"`
	// WorkloadMix are the pods that the pool should keep room for when nodes are ranked.
	WorkloadMix []PodClass `json:"workloadMix,omitempty"`
}

// PodClass is one sort of pod in the mix.
type PodClass struct {
	Accelerators int64 `json:"accelerators"`
	CPUMilli     int64 `json:"cpuMilli,omitempty"`
	MemoryBytes  int64 `json:"memoryBytes,omitempty"`
	Weight       int64 `json:"weight"`
}

// maxWeight keeps sums of weighted losses far from the end of an int64.
const maxWeight = 1_000_000

func defaultArgs() Args {
	return Args{
		Mode:                 Enforce,
		AcceleratorResources: []string{"nvidia.com/gpu", "amd.com/gpu", "huawei.com/Ascend910", "gpu.intel.com/i915", "google.com/tpu", "habana.ai/gaudi"},
		WorkloadMix: []PodClass{
			{Accelerators: 1, Weight: 1}, {Accelerators: 2, Weight: 1}, {Accelerators: 4, Weight: 1}, {Accelerators: 8, Weight: 1},
		},
	}
}

// readArgs refuses what it does not know: a misspelt argument must not silently
// leave the pool on its defaults.
func readArgs(object runtime.Object) (Args, error) {
	args := defaultArgs()
	if object == nil {
		return args, nil
	}
	unknown, ok := object.(*runtime.Unknown)
	if !ok {
		return args, fmt.Errorf("unexpected type %T", object)
	}
	raw, err := yaml.YAMLToJSON(unknown.Raw)
	if err != nil {
		return args, err
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&args); err != nil {
		return args, err
	}
	return args, args.validate()
}

func (a *Args) validate() error {
	if a.Mode != Enforce && a.Mode != ScoreOnly {
		return fmt.Errorf("mode `%s` is neither %s nor %s", a.Mode, Enforce, ScoreOnly)
	}
	if overlap := set.New(a.UncountedResources...).Intersection(set.New(a.AcceleratorResources...)); overlap.Len() > 0 {
		return fmt.Errorf("%v cannot be accelerators and uncounted", overlap.SortedList())
	}
	for _, class := range a.WorkloadMix {
		if class.Accelerators < 1 || class.Weight < 1 || class.Weight > maxWeight || class.CPUMilli < 0 || class.MemoryBytes < 0 {
			return fmt.Errorf("workloadMix: accelerators must be at least 1, weight 1 to %d, cpuMilli and memoryBytes at least 0", maxWeight)
		}
	}
	return nil
}
