/// Source packages that have the kernel's prefix and run as everything else does.
const USER_SPACE: [&str; 1] = ["linux-pam"];

/// Whether a source package is a kernel, by `linux*` and `kernel*`. An image may have a kernel's headers or even its modules; it
/// runs on the node's kernel, so that advisories of it say nothing about the image.
pub fn is_kernel(source: &str) -> bool {
    let has_prefix = source.starts_with("linux") || source.starts_with("kernel");
    has_prefix && !USER_SPACE.contains(&source)
}
