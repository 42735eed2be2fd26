"""What components on NiFi share."""
