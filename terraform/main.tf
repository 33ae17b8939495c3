resource "juju_application" "ckf_backup" {
  name       = var.app_name
  model_uuid = var.model_uuid

  charm {
    name     = "ckf-backup"
    base     = var.base
    channel  = var.channel
    revision = var.revision
  }

  config             = var.config
  resources          = var.resources
  storage_directives = { journal = var.journal_size }
  trust              = var.trust
  units              = 1
}
