"""What BigQuery's tables can hold, and how they follow their models; nothing here talks to BigQuery."""
