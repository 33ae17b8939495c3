variable "app_name" {
  description = "Name of the application in the Juju model."
  type        = string
  default     = "ckf-backup"
}

variable "base" {
  description = "Base that the charm is deployed on."
  type        = string
  default     = "ubuntu@24.04"
}

variable "channel" {
  description = "Charmhub channel that the charm is deployed from."
  type        = string
  default     = null
}

variable "config" {
  description = "Options of the charm, as in docs/reference/options.md."
  type        = map(string)
  default     = {}
}

variable "journal_size" {
  description = "Size of the storage for what has to be put back after a crash."
  type        = string
  default     = "64M"
}

variable "model_uuid" {
  description = "UUID of the Juju model that Charmed Kubeflow is in."
  type        = string
}

variable "resources" {
  description = "Resources of the charm; it has none."
  type        = map(string)
  default     = null
}

variable "revision" {
  description = "Revision of the charm; the newest of the channel when it is null."
  type        = number
  default     = null
}

variable "trust" {
  description = "Whether the charm may do everything in the cluster; without it, apply the ClusterRole of docs/how-to/less-power.md."
  type        = bool
  default     = true
}
