output "app_name" {
  description = "Name of the application."
  value       = juju_application.ckf_backup.name
}

output "provides" {
  description = "Endpoints that the charm provides."
  value = {
    kfp_db            = "kfp-db"
    katib_db          = "katib-db"
    metrics_endpoint  = "metrics-endpoint"
    grafana_dashboard = "grafana-dashboard"
  }
}

output "requires" {
  description = "Endpoints that the charm requires."
  value = {
    s3_credentials  = "s3-credentials"
    object_storage  = "object-storage"
    logging         = "logging"
    dashboard_links = "dashboard-links"
  }
}
