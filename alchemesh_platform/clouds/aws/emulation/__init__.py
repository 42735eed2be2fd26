"""Amazon Web Services on this machine: MiniStack, and an emulated version of Pulumi's provider `aws-native`."""
