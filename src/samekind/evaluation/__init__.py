"""How often verdicts are right: metrics, bootstrap intervals, links, and the protocol that reports them."""
