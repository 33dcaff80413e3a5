// Command kube-scheduler is the stock scheduler with the CommonPool plugin built
// in and without an Event for every pod it binds.
package main

import (
	"os"
	"runtime/debug"

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // client metrics on /metrics
	_ "k8s.io/component-base/metrics/prometheus/version"  // version metric on /metrics
)

// gcPercent lets the heap grow to five times what lives between two collections.
// The scheduler keeps little and makes much garbage, which at Go's default of 100
// costs more CPU time than the plugin; GOGC in the environment wins.
const gcPercent = 400

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	os.Exit(cli.Run(newCommand()))
}
