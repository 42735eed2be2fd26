"""SQL, REST and GraphQL over tables of this machine."""
