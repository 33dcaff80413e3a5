package plugin

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
)

// Name of the plugin in profiles, logs and metrics.
const Name = "CommonPool"

// New makes the plugin of a profile: in mode Enforce it obeys Rounds, in mode
// ScoreOnly it only ranks nodes.
func New(ctx context.Context, object runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	args, err := readArgs(object)
	if err != nil {
		return nil, fmt.Errorf("arguments of plugin %s: %w", Name, err)
	}
	if args.Mode == ScoreOnly {
		return newScorer(args, handle)
	}
	return newEnforcer(ctx, args, handle)
}
