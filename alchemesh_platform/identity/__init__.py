"""Who is acting, established once, in one place."""
