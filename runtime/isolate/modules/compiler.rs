//! What a `tsconfig.json` says about the code that is made of a file: <https://www.typescriptlang.org/tsconfig/>.

use oxc_transformer::{
    CompilerAssumptions, DecoratorOptions, HelperLoaderMode, HelperLoaderOptions, JsxOptions, JsxRuntime,
    TransformOptions, TypeScriptOptions,
};

/// How one file is compiled.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct CompilerOptions {
    jsx: Jsx,
    /// `experimentalDecorators`: those of before the standard.
    legacy_decorators: bool,
    /// `emitDecoratorMetadata`.
    decorator_metadata: bool,
    /// Without `strictNullChecks`.
    loose_null: bool,
    /// Without `useDefineForClassFields`: fields are assigned.
    assigned_fields: bool,
}

/// How JSX is meant: <https://www.typescriptlang.org/tsconfig/#jsx>.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Jsx {
    /// Calls of a factory, instead of an imported runtime.
    classic: bool,
    /// An imported runtime, also in a file that names a factory.
    automatic: bool,
    /// Whose runtime is imported.
    import_source: Option<String>,
    /// The factory.
    factory: Option<String>,
    /// What a fragment is made by.
    fragment: Option<String>,
}

impl CompilerOptions {
    pub(super) fn of(options: &oxc_resolver::CompilerOptions) -> Self {
        // As esbuild takes them: what is not said is as in the newest target.
        let old_target = options.target.as_deref().is_some_and(|target| {
            let target = target.to_ascii_lowercase();
            let year = target.strip_prefix("es").and_then(|year| year.parse::<u32>().ok());
            year.is_some_and(|year| year < 2022)
        });
        Self {
            jsx: Jsx {
                // As esbuild takes them: where nobody says how, whoever names a factory wants it called.
                classic: match options.jsx.as_deref() {
                    None => options.jsx_factory.is_some() || options.jsx_fragment_factory.is_some(),
                    Some(jsx) => jsx == "react",
                },
                automatic: options.jsx.as_deref().is_some_and(|jsx| jsx.starts_with("react-")),
                import_source: options.jsx_import_source.clone(),
                factory: options.jsx_factory.clone(),
                fragment: options.jsx_fragment_factory.clone(),
            },
            legacy_decorators: options.experimental_decorators == Some(true),
            decorator_metadata: options.emit_decorator_metadata == Some(true),
            loose_null: options.strict_null_checks.or(options.strict) != Some(true),
            assigned_fields: !options.use_define_for_class_fields.unwrap_or(!old_target),
        }
    }

    /// The same for JavaScript, of which a `tsconfig.json` says how JSX is meant and no more.
    pub(super) fn for_javascript(self) -> Self {
        Self {
            jsx: self.jsx,
            ..Self::default()
        }
    }

    /// Whether decorators are those of before the standard.
    pub(super) fn legacy_decorators(&self) -> bool {
        self.legacy_decorators
    }

    /// For the transformer. `standard`: whether the file has decorators that it leaves as they are; `factory`: whether it names
    /// what makes its JSX.
    pub(super) fn transform(&self, standard: bool, factory: bool) -> TransformOptions {
        let assigned = self.assigned_fields && !standard;
        TransformOptions {
            assumptions: CompilerAssumptions {
                set_public_class_fields: assigned,
                ..CompilerAssumptions::default()
            },
            typescript: TypeScriptOptions {
                remove_class_fields_without_initializer: assigned,
                ..TypeScriptOptions::default()
            },
            decorator: DecoratorOptions {
                legacy: self.legacy_decorators,
                emit_decorator_metadata: self.legacy_decorators && self.decorator_metadata,
                strict_null_checks: !self.loose_null,
            },
            jsx: self.jsx.options(factory),
            helper_loader: HelperLoaderOptions {
                mode: HelperLoaderMode::External,
                ..HelperLoaderOptions::default()
            },
            ..TransformOptions::default()
        }
    }
}

impl Jsx {
    fn options(&self, factory: bool) -> JsxOptions {
        let classic = self.classic || (factory && !self.automatic);
        JsxOptions {
            runtime: if classic {
                JsxRuntime::Classic
            } else {
                JsxRuntime::Automatic
            },
            import_source: self.import_source.clone().filter(|_| !classic),
            pragma: self.factory.clone().filter(|_| classic),
            pragma_frag: self.fragment.clone().filter(|_| classic),
            ..JsxOptions::enable()
        }
    }
}
