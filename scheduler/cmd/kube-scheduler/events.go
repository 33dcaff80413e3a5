package main

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// scheduledReason is what the scheduler reports after each binding. The pod's
// spec.nodeName says the same, and the Event costs the apiserver as much again
// as the binding did.
const scheduledReason = "Scheduled"

// quietProfile is a profile whose recorder keeps all Events but that one.
type quietProfile struct {
	framework.Framework

	recorder events.EventRecorderLogger
}

func withoutBindingEvents(profile framework.Framework) framework.Framework {
	return quietProfile{Framework: profile, recorder: quietRecorder{profile.EventRecorder()}}
}

func (p quietProfile) EventRecorder() events.EventRecorderLogger { return p.recorder }

type quietRecorder struct {
	events.EventRecorderLogger
}

func (r quietRecorder) Eventf(regarding, related runtime.Object, eventtype, reason, action, note string, args ...any) {
	if reason != scheduledReason {
		r.EventRecorderLogger.Eventf(regarding, related, eventtype, reason, action, note, args...)
	}
}

func (r quietRecorder) WithLogger(logger klog.Logger) events.EventRecorderLogger {
	return quietRecorder{r.EventRecorderLogger.WithLogger(logger)}
}
