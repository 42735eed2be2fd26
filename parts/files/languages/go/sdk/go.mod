module github.com/alchemesh/alchemesh-platform/sdk/go/alchemesh

go 1.25

require github.com/pulumi/pulumi/sdk/v3 v3.259.0
