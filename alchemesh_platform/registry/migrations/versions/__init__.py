"""One module a revision, numbered from 0001; a revision that was released is never changed."""
