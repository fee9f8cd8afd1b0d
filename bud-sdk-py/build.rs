//! How an extension module is linked where symbols are not looked up at run time by themselves.

fn main() {
    pyo3_build_config::add_extension_module_link_args();
}
