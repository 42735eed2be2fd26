"""A product's promises and measured values as one page of HTML, with plots of their history."""
