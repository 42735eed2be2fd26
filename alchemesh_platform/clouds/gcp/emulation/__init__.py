"""Google Cloud on this machine: a stand-in for Pulumi's provider `gcp` over emulators and a store."""
