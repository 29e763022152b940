"""What the integration tests share: clusters, the proxy under test, a raw protocol client."""
