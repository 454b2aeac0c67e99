//! What each kind of token can be asked, and how it is changed.

use std::rc::Rc;

use lol_html::html_content::{
    Comment, ContentType, Doctype, DocumentEnd, Element, EndTag, StreamingHandler, TextChunk,
};

use super::content::handler;
use super::protocol::{Change, Content, Event, Kind, Place, Property, Reply, Source, Suspend};
use super::unit::{Unit, serve};

const NOT_HERE: &str = "the token has no such thing";

fn refused() -> Reply {
    Reply::Refused(NOT_HERE.to_owned())
}

fn done<E: std::fmt::Display>(result: Result<(), E>) -> Reply {
    match result {
        Ok(()) => Reply::Done,
        Err(error) => Reply::Refused(error.to_string()),
    }
}

type Stream = Box<dyn StreamingHandler + Send>;

impl Unit for Element<'_, '_> {
    fn ask(&self, property: Property, name: &str) -> Reply {
        match property {
            Property::Name => Reply::Text(Some(self.tag_name())),
            Property::Namespace => Reply::Text(Some(self.namespace_uri().to_owned())),
            Property::Attribute => Reply::Text(self.get_attribute(name)),
            Property::Attributes => {
                let attributes = self.attributes().iter();
                Reply::Texts(
                    attributes
                        .flat_map(|attribute| [attribute.name(), attribute.value()])
                        .collect(),
                )
            }
            Property::HasAttribute => Reply::Flag(self.has_attribute(name)),
            Property::Removed => Reply::Flag(self.removed()),
            Property::CanHaveContent => Reply::Flag(self.can_have_content()),
            Property::SelfClosing => Reply::Flag(self.is_self_closing()),
            Property::Text | Property::Last | Property::PublicId | Property::SystemId => refused(),
        }
    }

    fn change(&mut self, change: Change, suspend: &Rc<dyn Suspend>) -> Reply {
        match change {
            Change::Insert(place, content) => {
                let content = handler(content, suspend);
                match place {
                    Place::Before => self.streaming_before(content),
                    Place::After => self.streaming_after(content),
                    Place::Replace => self.streaming_replace(content),
                    Place::Prepend => self.streaming_prepend(content),
                    Place::Append => self.streaming_append(content),
                    Place::Inner => self.streaming_set_inner_content(content),
                }
                Reply::Done
            }
            Change::Remove => {
                self.remove();
                Reply::Done
            }
            Change::RemoveTags => {
                self.remove_and_keep_content();
                Reply::Done
            }
            Change::SetName(name) => done(self.set_tag_name(&name)),
            Change::SetAttribute(name, value) => done(self.set_attribute(&name, &value)),
            Change::RemoveAttribute(name) => {
                self.remove_attribute(&name);
                Reply::Done
            }
            Change::OnEndTag(number) => {
                let suspend = Rc::clone(suspend);
                // As Workers have it: the last one that an element was given is its only one.
                if let Some(handlers) = self.end_tag_handlers() {
                    handlers.clear();
                }
                done(self.on_end_tag(Box::new(move |end_tag| {
                    serve(&suspend, Event::Token(Kind::EndTag, number), end_tag)
                })))
            }
            Change::SetText(_) => refused(),
        }
    }
}

/// What has content before it, behind it and in its place.
macro_rules! around {
    ($unit:ident, $content:ident, $place:ident) => {
        match $place {
            Place::Before => $unit.streaming_before($content),
            Place::After => $unit.streaming_after($content),
            Place::Replace => $unit.streaming_replace($content),
            Place::Prepend | Place::Append | Place::Inner => return refused(),
        }
    };
}

impl Unit for Comment<'_> {
    fn ask(&self, property: Property, _name: &str) -> Reply {
        match property {
            Property::Text => Reply::Text(Some(self.text())),
            Property::Removed => Reply::Flag(self.removed()),
            _ => refused(),
        }
    }

    fn change(&mut self, change: Change, suspend: &Rc<dyn Suspend>) -> Reply {
        match change {
            Change::Insert(place, content) => {
                let content: Stream = handler(content, suspend);
                around!(self, content, place);
            }
            Change::Remove => self.remove(),
            Change::SetText(text) => return done(self.set_text(&text)),
            _ => return refused(),
        }
        Reply::Done
    }
}

impl Unit for TextChunk<'_> {
    fn ask(&self, property: Property, _name: &str) -> Reply {
        match property {
            Property::Text => Reply::Text(Some(self.as_str().to_owned())),
            Property::Last => Reply::Flag(self.last_in_text_node()),
            Property::Removed => Reply::Flag(self.removed()),
            _ => refused(),
        }
    }

    fn change(&mut self, change: Change, suspend: &Rc<dyn Suspend>) -> Reply {
        match change {
            Change::Insert(place, content) => {
                let content: Stream = handler(content, suspend);
                around!(self, content, place);
            }
            Change::Remove => self.remove(),
            _ => return refused(),
        }
        Reply::Done
    }
}

impl Unit for EndTag<'_> {
    fn ask(&self, property: Property, _name: &str) -> Reply {
        match property {
            Property::Name => Reply::Text(Some(self.name())),
            Property::Removed => Reply::Flag(self.removed()),
            _ => refused(),
        }
    }

    fn change(&mut self, change: Change, suspend: &Rc<dyn Suspend>) -> Reply {
        match change {
            Change::Insert(place, content) => {
                let content: Stream = handler(content, suspend);
                around!(self, content, place);
            }
            Change::Remove => self.remove(),
            Change::SetName(name) => self.set_name_str(name),
            _ => return refused(),
        }
        Reply::Done
    }
}

impl Unit for Doctype<'_> {
    fn ask(&self, property: Property, _name: &str) -> Reply {
        match property {
            Property::Name => Reply::Text(self.name()),
            Property::PublicId => Reply::Text(self.public_id()),
            Property::SystemId => Reply::Text(self.system_id()),
            Property::Removed => Reply::Flag(self.removed()),
            _ => refused(),
        }
    }

    fn change(&mut self, change: Change, _suspend: &Rc<dyn Suspend>) -> Reply {
        match change {
            Change::Remove => self.remove(),
            _ => return refused(),
        }
        Reply::Done
    }
}

impl Unit for DocumentEnd<'_> {
    fn ask(&self, _property: Property, _name: &str) -> Reply {
        refused()
    }

    fn change(&mut self, change: Change, _suspend: &Rc<dyn Suspend>) -> Reply {
        match change {
            Change::Insert(
                Place::Append,
                Content {
                    html,
                    source: Source::Text(counted),
                },
            ) => {
                let kind = if html { ContentType::Html } else { ContentType::Text };
                self.append(counted.text(), kind);
                Reply::Done
            }
            Change::Insert(..) => Reply::Refused("what ends the document can not be a stream".to_owned()),
            _ => refused(),
        }
    }
}
