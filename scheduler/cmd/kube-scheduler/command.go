package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"k8s.io/apiserver/pkg/server"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/tools/cache"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/cli/globalflag"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/component-base/version/verflag"
	"k8s.io/kubernetes/cmd/kube-scheduler/app"
	"k8s.io/kubernetes/cmd/kube-scheduler/app/options"

	"commonpool.dev/scheduler/plugin"
)

// newCommand takes the flags and the configuration file of the stock scheduler.
// app.NewSchedulerCommand cannot be used because it gives no hold of the
// profiles between set-up and run.
func newCommand() *cobra.Command {
	opts := options.NewOptions()
	cmd := &cobra.Command{
		Use:   "kube-scheduler",
		Short: "Schedules pods; those of the shared pool as commonpool's Rounds say",
		Args:  cobra.NoArgs,
		// Feature gates must be set before anything asks for them.
		PersistentPreRunE: func(*cobra.Command, []string) error {
			return opts.ComponentGlobalsRegistry.Set()
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			verflag.PrintAndExitIfRequested()
			if err := logsapi.ValidateAndApply(opts.Logs, utilfeature.DefaultFeatureGate); err != nil {
				return err
			}
			cliflag.PrintFlags(cmd.Flags())
			return run(server.SetupSignalContext(), opts)
		},
	}
	flags := opts.Flags
	verflag.AddFlags(flags.FlagSet("global"))
	globalflag.AddGlobalFlags(flags.FlagSet("global"), cmd.Name(), logs.SkipLoggingConfigurationFlags())
	for _, set := range flags.FlagSets {
		cmd.Flags().AddFlagSet(set)
	}
	cliflag.SetUsageAndHelpFunc(cmd, *flags, 0)
	return cmd
}

func run(ctx context.Context, opts *options.Options) error {
	name, err := cache.NewInformerName("kube-scheduler")
	if err != nil {
		return fmt.Errorf("name the informers: %w", err)
	}
	opts.InformerName = name
	config, scheduler, err := app.Setup(ctx, opts, app.WithPlugin(plugin.Name, plugin.New))
	if err != nil {
		return err
	}
	opts.ComponentGlobalsRegistry.AddMetrics()
	for profile, framework := range scheduler.Profiles {
		scheduler.Profiles[profile] = plugin.Narrow(withoutBindingEvents(framework))
	}
	return app.Run(ctx, config, scheduler)
}
