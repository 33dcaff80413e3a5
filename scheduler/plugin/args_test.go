package plugin

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
)

func TestArgumentsThatAreNotGivenHaveDefaults(t *testing.T) {
	for _, object := range []runtime.Object{nil, &runtime.Unknown{Raw: []byte("{}")}} {
		args, err := readArgs(object)
		if err != nil || args.Mode != Enforce || len(args.WorkloadMix) > 0 || len(args.ProductLabels) == 0 || len(args.AcceleratorResources) == 0 {
			t.Errorf("%+v, %v", args, err)
		}
	}
	args, err := readArgs(&runtime.Unknown{Raw: []byte("mode: ScoreOnly\nworkloadMix: [{accelerators: 8, weight: 3}]\n")})
	if err != nil || args.Mode != ScoreOnly || len(args.WorkloadMix) != 1 || args.WorkloadMix[0].Weight != 3 {
		t.Errorf("%+v, %v", args, err)
	}
}

func TestAWrongArgumentStopsTheStart(t *testing.T) {
	cases := map[string]string{
		"mode: Sometimes": "mode `Sometimes`",
		"moed: Enforce":   "unknown field",
		"workloadMix: [{accelerators: 17, weight: 1}]":                             "accelerators must be",
		"workloadMix: [{accelerators: 1, weight: 9000000}]":                        "weight must be 1 to",
		"workloadMix: [{gpuMilli: 1000, weight: 1}]":                               "is no part of one accelerator",
		"{uncountedResources: [amd.com/gpu], acceleratorResources: [amd.com/gpu]}": "cannot be accelerators and uncounted",
		"[": "did not find",
	}
	for text, want := range cases {
		if _, err := readArgs(&runtime.Unknown{Raw: []byte(text)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", text, err, want)
		}
	}
	if _, err := readArgs(&Round{}); err == nil {
		t.Error("took an object that is not its arguments")
	}
}
