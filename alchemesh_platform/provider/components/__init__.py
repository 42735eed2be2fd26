"""Components for programs in any language of Pulumi: their package schema, and their construction."""
