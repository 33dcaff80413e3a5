package main

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// profile stands for one of the scheduler's; it keeps the reasons of its Events.
type profile struct {
	framework.Framework

	reasons []string
}

func (p *profile) EventRecorder() events.EventRecorderLogger { return recorder{p} }

type recorder struct{ *profile }

func (r recorder) Eventf(_, _ runtime.Object, _, reason, _, _ string, _ ...any) {
	r.reasons = append(r.reasons, reason)
}

func (r recorder) WithLogger(klog.Logger) events.EventRecorderLogger { return r }

func TestAllEventsAreKeptButThoseOfBindings(t *testing.T) {
	told := &profile{}
	quiet := withoutBindingEvents(told)
	for _, reason := range []string{"FailedScheduling", "Scheduled", "BindingConditionsPending"} {
		quiet.EventRecorder().Eventf(nil, nil, "Normal", reason, "", "")
		quiet.EventRecorder().WithLogger(klog.Background()).Eventf(nil, nil, "Normal", reason, "", "")
	}
	want := []string{"FailedScheduling", "FailedScheduling", "BindingConditionsPending", "BindingConditionsPending"}
	if !slices.Equal(told.reasons, want) {
		t.Errorf("%v, want %v", told.reasons, want)
	}
}

func TestTheCommandTakesTheFlagsOfTheStockScheduler(t *testing.T) {
	command := newCommand()
	for _, name := range []string{"config", "secure-port", "cert-dir", "v", "feature-gates", "version", "logging-format"} {
		if command.Flags().Lookup(name) == nil {
			t.Errorf("no flag --%s", name)
		}
	}
}
