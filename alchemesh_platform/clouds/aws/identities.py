"""Kinds of identity that code can have on AWS."""

AWS_ROLE = "aws-role"  # named by the name of the role, without its account
