"""The clock of `local-python`: a supervised process that starts runs at the times of their schedules."""
