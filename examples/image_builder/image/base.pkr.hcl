packer {
  required_version = "= 1.14.2"
  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = "= 1.3.9"
    }
  }
}

variable "name" { type = string }
variable "build" { type = string }
variable "commit" { type = string }
variable "subnet_id" { type = string }
variable "security_group_id" { type = string }
variable "kms_key_id" { type = string }

# What Amazon patched last.
data "amazon-parameterstore" "parent" {
  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
}

locals {
  tags = {
    "acme:image"  = var.name
    "acme:build"  = var.build
    "acme:commit" = var.commit
    "acme:parent" = data.amazon-parameterstore.parent.value
    Name          = "${var.name}-${var.build}"
  }
}

source "amazon-ebs" "image" {
  ami_name        = "${var.name}-${var.build}"
  ami_description = "Made from ${data.amazon-parameterstore.parent.value} at ${var.commit}"
  source_ami      = data.amazon-parameterstore.parent.value
  instance_type   = "t3.small"

  # In a private subnet: only the build's own security group reaches it, at its private address.
  subnet_id                   = var.subnet_id
  security_group_id           = var.security_group_id
  associate_public_ip_address = false
  communicator                = "ssh"
  ssh_interface               = "private_ip"
  ssh_username                = "ec2-user"
  temporary_key_pair_type     = "ed25519"

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
  imds_support = "v2.0"

  launch_block_device_mappings {
    device_name           = "/dev/xvda"
    volume_type           = "gp3"
    volume_size           = 8
    encrypted             = true
    kms_key_id            = var.kms_key_id
    delete_on_termination = true
  }

  tags            = local.tags
  snapshot_tags   = local.tags
  run_tags        = local.tags
  run_volume_tags = local.tags
}

build {
  sources = ["source.amazon-ebs.image"]

  provisioner "file" {
    source      = "${path.root}/check.sh"
    destination = "/var/tmp/check.sh"
  }

  provisioner "shell" {
    execute_command = "{{ .Vars }} sudo {{ .Path }}"
    script          = "${path.root}/install.sh"
  }

  provisioner "shell" {
    execute_command = "{{ .Vars }} sudo {{ .Path }} /"
    script          = "${path.root}/harden.sh"
  }

  # Before the keys of the host are removed, without which sshd reads nothing.
  provisioner "shell" {
    inline = ["sudo sshd -t"]
  }

  # The connection stays open; after it nobody can log in any more.
  provisioner "shell" {
    execute_command = "{{ .Vars }} sudo {{ .Path }} /"
    script          = "${path.root}/clean.sh"
  }

  provisioner "shell" {
    inline = ["sudo /usr/local/lib/image/check.sh / sealed"]
  }

  post-processor "manifest" {
    output = "manifest.json"
    custom_data = {
      parent = data.amazon-parameterstore.parent.value
    }
  }
}
