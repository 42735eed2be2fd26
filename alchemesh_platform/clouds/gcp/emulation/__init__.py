"""Google Cloud on this machine: an emulated version of Pulumi's provider `gcp`, with emulators and a store."""
