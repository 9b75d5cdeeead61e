//! `guard`.

use std::rc::Rc;

use super::Core;
use super::datum::split;
use super::expand::{Expansion, bind, choose, fresh, procedure, thunk};
use super::expander::Answer;
use super::scope::Scope;
use crate::expr::{Expr, Variable};
use crate::value::Value;

impl Expansion<'_> {
    /// The clauses run in the dynamic environment of the `guard`; where none of them is for the
    /// condition, it is raised again in that of the `raise`, or of the `guard` if there is no way
    /// back: `%call/cc-if-any` gives `#f` where nothing can be captured. The way out is a prompt of
    /// its own, so that it is found too where the body was captured up to another prompt, and goes
    /// on elsewhere:
    ///
    /// ```scheme
    /// (let ((tag (make-continuation-prompt-tag 'guard)))
    ///   (call-with-continuation-prompt
    ///    (lambda ()
    ///      (with-exception-handler
    ///       (lambda (condition)
    ///         ((%call/cc-if-any
    ///           (lambda (return)
    ///             (abort-current-continuation
    ///              tag
    ///              (lambda ()
    ///                (let ((variable condition))
    ///                  (cond
    ///                   clause ...
    ///                   (else
    ///                    (if return
    ///                        (call-with-continuation-prompt
    ///                         (lambda () (return (lambda () (raise-continuable condition))))
    ///                         tag
    ///                         (lambda (handle) (handle)))
    ///                        (raise-continuable condition))))))))
    ///           tag)))
    ///       (lambda () body ...)))
    ///    tag
    ///    (lambda (handle) (handle))))
    /// ```
    pub(super) fn guard(&mut self, form: &Value, scope: &Scope) -> Answer {
        let items = self.items(form, 3)?;
        let clauses = self.list(&items[1], form)?;
        let [name, clauses @ ..] = &clauses[..] else {
            return Err(self.malformed(form));
        };
        let place = self.here.clone();
        // It becomes calls and procedures one in the other.
        self.depth += 8;
        let again = !self.ends_with_else(clauses, scope)?;
        let [tag, condition, back] = ["tag", "condition", "return"].map(fresh);
        let local = |variable: &Rc<Variable>| Expr::Local(variable.clone());

        let raise = || self.call("raise-continuable", vec![local(&condition)]);
        let raise_here = raise()?;
        let raise = thunk(place.clone(), raise()?);
        let raise = Expr::Call(Box::new(local(&back)), vec![raise], place.clone());
        let otherwise = choose(local(&back), self.prompt(&tag, raise)?, raise_here);
        let (inner, contour) = scope.within();
        let variable = self.variable(name, &contour, form)?;
        let clauses = self.clauses(clauses, otherwise, form, &inner)?;
        let handled = bind(vec![(variable, local(&condition))], clauses);
        let handled = vec![local(&tag), thunk(place.clone(), handled)];
        let mut handler = self.call("abort-current-continuation", handled)?;
        if again {
            let receiver = procedure(None, place.clone(), vec![back], None, handler);
            let captured = vec![receiver, local(&tag)];
            let captured = self.call("%call/cc-if-any", captured)?;
            handler = Expr::Call(Box::new(captured), Vec::new(), place.clone());
        }
        let handler = procedure(None, place.clone(), vec![condition], None, handler);

        let body = thunk(place, self.body(&items[2..], scope, form)?);
        self.depth -= 8;
        let body = self.call("with-exception-handler", vec![handler, body])?;
        let body = self.prompt(&tag, body)?;
        let name = Expr::Constant(Value::symbol("guard"));
        let fresh_tag = self.call("make-continuation-prompt-tag", vec![name])?;
        Ok(bind(vec![(tag, fresh_tag)], body))
    }

    /// An expression in a prompt that applies what it is aborted with.
    fn prompt(&self, tag: &Rc<Variable>, body: Expr) -> Answer {
        let place = self.here.clone();
        let handle = fresh("handle");
        let apply = Expr::Call(
            Box::new(Expr::Local(handle.clone())),
            Vec::new(),
            place.clone(),
        );
        let handler = procedure(None, place.clone(), vec![handle], None, apply);
        let arguments = vec![thunk(place, body), Expr::Local(tag.clone()), handler];
        self.call("call-with-continuation-prompt", arguments)
    }

    fn ends_with_else(&mut self, clauses: &[Value], scope: &Scope) -> Answer<bool> {
        let last = clauses.last().and_then(split);
        match last.as_ref().and_then(|(items, _)| items.first()) {
            Some(first) => self.is(first, Core::Else, scope),
            None => Ok(false),
        }
    }
}
