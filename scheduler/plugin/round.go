package plugin

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"commonpool.dev/scheduler/rounds"
)

// roundVersion is the API of crds/; only what the plugin obeys is read of it.
var roundVersion = schema.GroupVersion{Group: "commonpool.dev", Version: "v1alpha1"}

// Round is the custom resource.
type Round struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec RoundSpec `json:"spec"`
}

// RoundSpec is one part of a planning round.
type RoundSpec struct {
	Epoch  int64  `json:"epoch"`
	Number int64  `json:"number"`
	Part   int64  `json:"part"`
	Gangs  []Gang `json:"gangs"`
}

// Gang is one line.
type Gang struct {
	Workload string `json:"workload"`
	Kind     string `json:"kind"`
	Nodes    string `json:"nodes"`
	Ranks    string `json:"ranks"`
	Pods     string `json:"pods"`
	Request  string `json:"request"`
}

// RoundList is what a list request answers.
type RoundList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`

	Items []Round `json:"items"`
}

// DeepCopyObject makes a Round a runtime.Object.
func (r *Round) DeepCopyObject() runtime.Object {
	copied := *r
	r.DeepCopyInto(&copied.ObjectMeta)
	copied.Spec.Gangs = append([]Gang(nil), r.Spec.Gangs...)
	return &copied
}

// DeepCopyObject makes a RoundList a runtime.Object.
func (l *RoundList) DeepCopyObject() runtime.Object {
	copied := *l
	copied.Items = make([]Round, len(l.Items))
	for i := range l.Items {
		copied.Items[i] = *l.Items[i].DeepCopyObject().(*Round)
	}
	return &copied
}

// badLine is a line that could not be read. The others of its Round are obeyed.
type badLine struct {
	at   int
	text string
	err  error
}

// readRound parses the lines of a Round.
func readRound(object *Round) (*rounds.Round, []badLine) {
	round := &rounds.Round{Name: object.Name, Epoch: object.Spec.Epoch, Number: object.Spec.Number, Part: object.Spec.Part}
	var bad []badLine
	for i, gang := range object.Spec.Gangs {
		line, err := rounds.ParseLine(rounds.LineText{
			Workload: gang.Workload, Kind: gang.Kind, Nodes: gang.Nodes, Ranks: gang.Ranks, Pods: gang.Pods, Request: gang.Request,
		})
		if err != nil {
			bad = append(bad, badLine{i, gang.Workload, err})
			continue
		}
		round.Lines = append(round.Lines, line)
	}
	return round, bad
}
