"""What is told to Prometheus and shown in Grafana, as data: names, meanings, panels. Nothing is measured here and nothing is read."""
