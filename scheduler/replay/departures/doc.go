// Package departures replays a recorded list of pods with the times at which they came and went: pods queue where nothing fits, run for as
// long as they were recorded to, leave, and may be moved so that one that waits can start. It tells what was served, how long pods waited
// and how much of what was free was of no use.
package departures
