//! Checks the dependencies between the source files: layers use only lower layers, and there are no cycles.
//!
//! A dependency is an item of another file that a `use` or a path outside tests names. `mod` declarations and
//! re-exports (`pub use`) aren't dependencies; whoever uses a re-exported item depends on the file that defines it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree, Visibility};

/// From top to bottom. Files of the same layer may use each other as long as there is no cycle.
const LAYERS: &[&[&str]] = &[
    &["main", "msipcfg_run"],
    &["app"],
    &["cli"],
    &["commands"],
    &["actions", "desired"],
    &["request"],
    &["hook", "edit"],
    &["microsip"],
    &["ini"],
    &["platform"],
    &["budget", "diagnostic", "guess", "page", "quote", "wildcard"],
];

static DEPENDENCIES: LazyLock<Vec<Dependency>> = LazyLock::new(|| Crate::read().dependencies());

#[test]
fn a_layer_uses_only_lower_layers() {
    let mut faults = String::new();
    for dependency in DEPENDENCIES.iter() {
        let (from, to) = (layer_of(&dependency.from), layer_of(&dependency.to));
        if to < from {
            let _ = writeln!(faults, "{dependency}");
        }
    }
    assert!(faults.is_empty(), "these files use a higher layer:\n{faults}");
}

#[test]
fn files_have_no_cyclic_dependencies() {
    let mut faults = String::new();
    for cycle in shortest_cycles(&DEPENDENCIES) {
        faults.push_str("\na cycle:\n");
        for dependency in cycle {
            let _ = writeln!(faults, "  {dependency}");
        }
    }
    assert!(faults.is_empty(), "{faults}");
}

/// Returns the index in [`LAYERS`], the highest first.
fn layer_of(module: &ModulePath) -> usize {
    // lib.rs only declares modules
    let Some(name) = module.first() else { return LAYERS.len() };
    let position = LAYERS.iter().position(|layer| layer.contains(&name.as_str()));
    position.unwrap_or_else(|| panic!("{name} isn't in the list of layers"))
}

// --- the graph

/// The path of a module that is a file; empty for `src/lib.rs`.
type ModulePath = Vec<String>;

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Dependency {
    from: ModulePath,
    to: ModulePath,
    /// The line in `from`.
    line: usize,
    /// The path as it is written there.
    path: String,
}

impl std::fmt::Display for Dependency {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let (from, to) = (self.from.join("::"), self.to.join("::"));
        write!(f, "{from} uses {to} (line {}: {})", self.line, self.path)
    }
}

/// Returns a shortest cycle through each file that is part of one, without repeating those of the same files.
fn shortest_cycles(dependencies: &[Dependency]) -> Vec<Vec<&Dependency>> {
    let mut graph: BTreeMap<&ModulePath, Vec<&Dependency>> = BTreeMap::new();
    for dependency in dependencies {
        graph.entry(&dependency.from).or_default().push(dependency);
    }
    let mut seen = BTreeSet::new();
    let mut cycles = Vec::new();
    for start in graph.keys() {
        let Some(cycle) = cycle_through(start, &graph) else { continue };
        let mut files: Vec<_> = cycle.iter().map(|dependency| &dependency.from).collect();
        files.sort();
        if seen.insert(files) {
            cycles.push(cycle);
        }
    }
    cycles
}

/// Searches breadth first for the shortest way from a file back to itself.
fn cycle_through<'a>(
    start: &ModulePath,
    graph: &BTreeMap<&ModulePath, Vec<&'a Dependency>>,
) -> Option<Vec<&'a Dependency>> {
    let mut ways = vec![Vec::new()];
    let mut reached = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let end = way.last().map_or(start, |dependency: &&Dependency| &dependency.to);
            for dependency in graph.get(end).into_iter().flatten() {
                let way: Vec<_> = way.iter().copied().chain([*dependency]).collect();
                if dependency.to == *start {
                    return Some(way);
                }
                if reached.insert(&dependency.to) {
                    longer.push(way);
                }
            }
        }
        ways = longer;
    }
    None
}

// --- the source files

struct Crate {
    files: BTreeMap<ModulePath, File>,
}

/// What a file declares, and the paths that it uses.
#[derive(Default)]
struct File {
    children: BTreeSet<String>,
    items: BTreeSet<String>,
    /// The names that `use` brings in, each with its full path. Several if they depend on the platform.
    imports: HashMap<String, Vec<Vec<String>>>,
    globs: Vec<Vec<String>>,
    reexports: BTreeSet<String>,
    uses: Vec<UsedPath>,
}

struct UsedPath {
    segments: Vec<String>,
    line: usize,
}

impl Crate {
    fn read() -> Crate {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut crate_ = Crate { files: BTreeMap::new() };
        crate_.add(vec!["main".into()], &source.join("main.rs"));
        crate_.add(vec!["msipcfg_run".into()], &source.join("bin/msipcfg-run.rs"));
        crate_.add(Vec::new(), &source.join("lib.rs"));
        crate_
    }

    fn add(&mut self, module: ModulePath, path: &Path) {
        let text = std::fs::read_to_string(path).unwrap();
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut reader = Reader { module: &module, file: File::default(), children: Vec::new(), inline: 0 };
        reader.visit_file(&parsed);
        let Reader { file, children, .. } = reader;
        self.files.insert(module.clone(), file);
        for (name, explicit) in children {
            let folder = match path.file_name().and_then(|name| name.to_str()) {
                Some("mod.rs" | "lib.rs" | "main.rs") => path.parent().unwrap().to_path_buf(),
                _ => path.with_extension(""),
            };
            let candidates = match explicit {
                Some(explicit) => vec![path.parent().unwrap().join(explicit)],
                None => vec![folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs")],
            };
            let found = candidates.iter().find(|path| path.is_file());
            let found = found.unwrap_or_else(|| panic!("{name}: not found in {}", folder.display()));
            self.add([module.clone(), vec![name]].concat(), found);
        }
    }

    fn dependencies(&self) -> Vec<Dependency> {
        let mut dependencies = BTreeMap::new();
        for (from, file) in &self.files {
            for used in &file.uses {
                for to in self.resolve(from, &used.segments, 0) {
                    let path = used.segments.join("::");
                    let dependency = Dependency { from: from.clone(), to: to.clone(), line: used.line, path };
                    if to != *from && !to.is_empty() {
                        dependencies.entry((from, to)).or_insert(dependency);
                    }
                }
            }
        }
        dependencies.into_values().collect()
    }

    /// Returns the files that define what a path names. None for other crates, and for a path that ends at a module.
    fn resolve(&self, from: &ModulePath, segments: &[String], depth: usize) -> Vec<ModulePath> {
        assert!(depth < 32, "imports go in circles: {}", segments.join("::"));
        let Some((first, rest)) = segments.split_first() else { return Vec::new() };
        match first.as_str() {
            "crate" | env!("CARGO_PKG_NAME") => self.resolve_in(&Vec::new(), rest, depth),
            "self" => self.resolve_in(from, rest, depth),
            "super" => match from.split_last() {
                Some((_, parent)) => self.resolve_in(&parent.to_vec(), rest, depth),
                None => Vec::new(),
            },
            _ => {
                let file = &self.files[from];
                let is_known = file.children.contains(first) || file.imports.contains_key(first);
                if is_known { self.resolve_in(from, segments, depth) } else { Vec::new() }
            }
        }
    }

    /// The same for the rest of a path, as seen from inside a module.
    fn resolve_in(&self, module: &ModulePath, segments: &[String], depth: usize) -> Vec<ModulePath> {
        let Some((first, rest)) = segments.split_first() else { return Vec::new() };
        let file = &self.files[module];
        if first == "super" {
            return self.resolve(module, segments, depth + 1);
        }
        if first == "*" {
            return vec![module.clone()];
        }
        if file.children.contains(first) {
            return self.resolve_in(&[module.as_slice(), std::slice::from_ref(first)].concat(), rest, depth);
        }
        if let Some(targets) = file.imports.get(first) {
            let full = targets.iter().map(|target| [target.as_slice(), rest].concat());
            return full.flat_map(|path| self.resolve(module, &path, depth + 1)).collect();
        }
        if !file.items.contains(first) {
            for glob in &file.globs {
                let full = [glob.as_slice(), segments].concat();
                let found = self.resolve(module, &full, depth + 1);
                if found.iter().any(|found| self.files[found].items.contains(first)) {
                    return found;
                }
            }
        }
        vec![module.clone()]
    }
}

/// Collects what a file declares and uses.
struct Reader<'a> {
    module: &'a ModulePath,
    file: File,
    children: Vec<(String, Option<PathBuf>)>,
    /// How many inline modules surround the current item.
    inline: usize,
}

impl Reader<'_> {
    fn add_use(&mut self, tree: &UseTree, mut prefix: Vec<String>, is_reexport: bool) {
        match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.add_use(&path.tree, prefix, is_reexport);
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.add_use(tree, prefix.clone(), is_reexport));
            }
            UseTree::Name(name) => {
                let line = name.ident.span().start().line;
                let last = name.ident.to_string();
                if last != "self" {
                    prefix.push(last);
                }
                let name = prefix.last().cloned().unwrap_or_default();
                self.import(name, prefix, line, is_reexport);
            }
            UseTree::Rename(rename) => {
                let line = rename.ident.span().start().line;
                if rename.ident != "self" {
                    prefix.push(rename.ident.to_string());
                }
                self.import(rename.rename.to_string(), prefix, line, is_reexport);
            }
            UseTree::Glob(glob) => {
                let line = glob.star_token.spans[0].start().line;
                self.file.globs.push(prefix.clone());
                prefix.push("*".into());
                self.add_path(prefix, line, is_reexport);
            }
        }
    }

    fn import(&mut self, name: String, path: Vec<String>, line: usize, is_reexport: bool) {
        if is_reexport {
            self.file.reexports.insert(name.clone());
        }
        self.add_path(path.clone(), line, is_reexport);
        // `use super::x` in an inline module starts one level deeper
        if self.inline == 0 && path.len() > 1 {
            self.file.imports.entry(name).or_default().push(path);
        }
    }

    fn add_path(&mut self, mut segments: Vec<String>, line: usize, is_reexport: bool) {
        if self.inline > 0 && segments.len() > 1 && segments[0] == "super" {
            segments.remove(0);
        }
        let is_local = segments.len() == 1 && !self.file.reexports.contains(&segments[0]);
        if !is_reexport && !is_local {
            self.file.uses.push(UsedPath { segments, line });
        }
    }

    /// Finds the paths in the arguments of a macro, which syn leaves as tokens.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut line = 0;
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.finish_tokens(&mut path, line);
                        line = ident.span().start().line;
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                token => {
                    self.finish_tokens(&mut path, line);
                    colons = 0;
                    if let TokenTree::Group(group) = token {
                        self.add_tokens(group.stream());
                    }
                }
            }
        }
        self.finish_tokens(&mut path, line);
    }

    fn finish_tokens(&mut self, path: &mut Vec<String>, line: usize) {
        if !path.is_empty() {
            self.add_path(std::mem::take(path), line, false);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, name) = described(item);
        if attributes.iter().any(is_for_tests) {
            return;
        }
        if let (Some(name), 0) = (name, self.inline) {
            self.file.items.insert(name);
        }
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.content.is_some() {
            self.inline += 1;
            visit::visit_item_mod(self, item);
            self.inline -= 1;
            return;
        }
        let name = item.ident.to_string();
        let explicit = item.attrs.iter().find(|attribute| attribute.path().is_ident("path"));
        let explicit = explicit.map(|attribute| match &attribute.meta.require_name_value().unwrap().value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(path), .. }) => PathBuf::from(path.value()),
            _ => panic!("{}: #[path] isn't a string", self.module.join("::")),
        });
        self.file.children.insert(name.clone());
        self.children.push((name, explicit));
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let is_reexport = !matches!(item.vis, Visibility::Inherited);
        self.add_use(&item.tree, Vec::new(), is_reexport);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !item.attrs.iter().any(is_for_tests) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.add_path(segments, path.segments[0].ident.span().start().line, false);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.add_tokens(call.tokens.clone());
    }
}

/// Returns the attributes of an item and the name that it declares.
fn described(item: &Item) -> (&[Attribute], Option<String>) {
    match item {
        Item::Const(item) => (&item.attrs, Some(item.ident.to_string())),
        Item::Enum(item) => (&item.attrs, Some(item.ident.to_string())),
        Item::Fn(item) => (&item.attrs, Some(item.sig.ident.to_string())),
        Item::Macro(item) => (&item.attrs, item.ident.as_ref().map(ToString::to_string)),
        Item::Static(item) => (&item.attrs, Some(item.ident.to_string())),
        Item::Struct(item) => (&item.attrs, Some(item.ident.to_string())),
        Item::Trait(item) => (&item.attrs, Some(item.ident.to_string())),
        Item::Type(item) => (&item.attrs, Some(item.ident.to_string())),
        Item::Impl(item) => (&item.attrs, None),
        Item::Mod(item) => (&item.attrs, None),
        Item::Use(item) => (&item.attrs, None),
        _ => (&[], None),
    }
}

/// Recognizes `#[cfg(test)]` and `#[test]`.
fn is_for_tests(attribute: &Attribute) -> bool {
    let is_cfg_test = || {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    };
    attribute.path().is_ident("test") || is_cfg_test()
}
