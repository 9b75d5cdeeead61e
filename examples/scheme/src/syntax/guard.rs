//! `guard`.

use super::Core;
use super::datum::{is_identifier, split};
use super::expand::{Expansion, bind, fresh, procedure, thunk};
use super::expander::Answer;
use super::scope::Scope;
use crate::expr::Expr;
use crate::value::Value;

impl Expansion<'_> {
    /// The clauses run in the dynamic environment of the `guard`; where none of them is for the
    /// condition, it is raised again in that of the `raise`:
    ///
    /// ```scheme
    /// ((call/cc
    ///   (lambda (leave)
    ///     (with-exception-handler
    ///      (lambda (condition)
    ///        ((call/cc
    ///          (lambda (return)
    ///            (leave
    ///             (lambda ()
    ///               (let ((variable condition))
    ///                 (cond clause ...
    ///                       (else (return (lambda () (raise-continuable condition)))))))))))
    ///      (lambda ()
    ///        (call-with-values (lambda () body ...)
    ///          (lambda values (lambda () (apply (primitive values) values))))))))
    /// ```
    pub(super) fn guard(&mut self, form: &Value, scope: &Scope) -> Answer {
        let items = self.items(form, 3)?;
        let clauses = self.list(&items[1], form)?;
        let [name, clauses @ ..] = &clauses[..] else {
            return Err(self.malformed(form));
        };
        if !is_identifier(name) {
            return Err(self.malformed(form));
        }
        let place = self.here.clone();
        let again = !self.ends_with_else(clauses, scope)?;
        let [leave, condition, back, values] =
            ["leave", "condition", "return", "values"].map(fresh);
        let local = |variable: &_| Expr::Local(std::rc::Rc::clone(variable));
        let call =
            |operator, argument| Expr::Call(Box::new(operator), vec![argument], place.clone());

        let raise = self.call("raise-continuable", vec![local(&condition)])?;
        let otherwise = call(local(&back), thunk(place.clone(), raise));
        let (inner, contour) = scope.within();
        let variable = self.variable(name, &contour, form)?;
        let clauses = self.clauses(clauses, otherwise, form, &inner)?;
        let handled = bind(vec![(variable, local(&condition))], clauses);
        let mut handler = call(local(&leave), thunk(place.clone(), handled));
        if again {
            let receiver = procedure(None, place.clone(), vec![back], None, handler);
            let captured = self.call("call-with-current-continuation", vec![receiver])?;
            handler = Expr::Call(Box::new(captured), Vec::new(), place.clone());
        }
        let handler = procedure(None, place.clone(), vec![condition], None, handler);

        let body = self.body(&items[2..], scope, form)?;
        let all = vec![self.primitive("values")?, local(&values)];
        let answer = thunk(place.clone(), self.call("apply", all)?);
        let consumer = procedure(None, place.clone(), Vec::new(), Some(values), answer);
        let producer = thunk(place.clone(), body);
        let body = self.call("call-with-values", vec![producer, consumer])?;
        let body = thunk(place.clone(), body);
        let body = self.call("with-exception-handler", vec![handler, body])?;
        let receiver = procedure(None, place.clone(), vec![leave], None, body);
        let captured = self.call("call-with-current-continuation", vec![receiver])?;
        Ok(Expr::Call(Box::new(captured), Vec::new(), place))
    }

    fn ends_with_else(&mut self, clauses: &[Value], scope: &Scope) -> Answer<bool> {
        let last = clauses.last().and_then(split);
        match last.as_ref().and_then(|(items, _)| items.first()) {
            Some(first) => self.is(first, Core::Else, scope),
            None => Ok(false),
        }
    }
}
