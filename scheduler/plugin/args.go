package plugin

import (
	"bytes"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/set"
	"sigs.k8s.io/yaml"

	"commonpool.dev/scheduler/mig"
	"commonpool.dev/scheduler/packing"
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
	// ProductLabels are the labels of nodes that say which product their accelerators are; the first that a node has counts.
	ProductLabels []string `json:"productLabels,omitempty"`
	// WorkloadMix are the pods that the pool should keep room for when nodes are ranked. Without it the mix is learned from the pods that come.
	WorkloadMix []PodClass `json:"workloadMix,omitempty"`
}

// PodClass is one sort of pod in the mix: so many whole accelerators, or a part of one, or an instance, or none.
type PodClass struct {
	Accelerators int64  `json:"accelerators,omitempty"`
	GPUMilli     int64  `json:"gpuMilli,omitempty"`
	MIGProfile   string `json:"migProfile,omitempty"`
	CPUMilli     int64  `json:"cpuMilli,omitempty"`
	Weight       int64  `json:"weight"`
}

// What a workload mix may hold; sums of weights stay within what the packing engine takes.
const (
	maxWeight    = 1_000_000
	maxMixLength = packing.MaxTotalWeight / maxWeight
)

func defaultArgs() Args {
	return Args{
		Mode:                 Enforce,
		AcceleratorResources: []string{"nvidia.com/gpu", "amd.com/gpu", "huawei.com/Ascend910", "gpu.intel.com/i915", "google.com/tpu", "habana.ai/gaudi"},
		ProductLabels:        []string{"nvidia.com/gpu.product", "amd.com/gpu.product-name"},
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
	if len(a.WorkloadMix) > maxMixLength {
		return fmt.Errorf("workloadMix: at most %d classes", maxMixLength)
	}
	for _, class := range a.WorkloadMix {
		if err := class.validate(); err != nil {
			return fmt.Errorf("workloadMix: %w", err)
		}
	}
	return nil
}

func (c *PodClass) validate() error {
	switch {
	case c.Accelerators < 0 || c.Accelerators > packing.MaxCards:
		return fmt.Errorf("accelerators must be 0 to %d", packing.MaxCards)
	case c.CPUMilli < 0 || c.CPUMilli > packing.MaxAmount || c.Weight < 1 || c.Weight > maxWeight:
		return fmt.Errorf("weight must be 1 to %d, and cpuMilli at least 0", maxWeight)
	case c.MIGProfile != "" && (mig.Profile(c.MIGProfile) == 0 || c.Accelerators+c.GPUMilli > 0):
		return fmt.Errorf("migProfile `%s` is none that is known, or stands beside other accelerators", c.MIGProfile)
	}
	return checkShared(c.GPUMilli, c.Accelerators > 0)
}

// classes are the mix as the packing engine takes it; nil if it is to be learned.
func (a *Args) classes() (mix []packing.CardClass) {
	for _, class := range a.WorkloadMix {
		shape := packing.Shape{CPU: class.CPUMilli}
		switch {
		case class.MIGProfile != "":
			shape.Cards, shape.Profile = 1, mig.Profile(class.MIGProfile)
		case class.GPUMilli > 0:
			shape.Cards, shape.Milli = 1, class.GPUMilli
		case class.Accelerators > 0:
			shape.Cards, shape.Milli = class.Accelerators, packing.CardMilli
		}
		mix = append(mix, packing.CardClass{Shape: shape, Count: class.Weight})
	}
	return mix
}
