//! Values on their way to and from PostgreSQL.

use std::error::Error;

use bytes::{BufMut as _, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::sql::{Cell, Row, Value};

type Failure = Box<dyn Error + Sync + Send>;

impl ToSql for Value<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        match (self, ty) {
            (Self::Null, _) => return Ok(IsNull::Yes),
            (Self::Integer(number), &Type::INT8) => out.put_i64(*number),
            (Self::Integer(number), &Type::INT4) => out.put_i32(i32::try_from(*number)?),
            (Self::Integer(number), &Type::INT2) => out.put_i16(i16::try_from(*number)?),
            (Self::Text(text), &Type::TEXT) => out.put_slice(text.as_bytes()),
            (Self::Bytes(bytes), &Type::BYTEA) => out.put_slice(bytes),
            _ => return Err(format!("a value that is no {ty}").into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        // Each value is looked at by itself.
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Cell<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        match *ty {
            Type::INT8 => i64::from_sql(ty, raw).map(Self::Integer),
            Type::INT4 => i32::from_sql(ty, raw).map(|number| Self::Integer(number.into())),
            Type::INT2 => i16::from_sql(ty, raw).map(|number| Self::Integer(number.into())),
            Type::TEXT => <&str>::from_sql(ty, raw).map(Self::Text),
            Type::BYTEA => Ok(Self::Bytes(raw)),
            _ => Err(format!("{ty} is nothing that is read").into()),
        }
    }

    fn from_sql_null(_: &Type) -> Result<Self, Failure> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A row as it is read.
pub(super) struct Columns<'a>(&'a tokio_postgres::Row);

pub(super) fn columns_of(row: &tokio_postgres::Row) -> Columns<'_> {
    Columns(row)
}

impl Row for Columns<'_> {
    fn cell(&self, index: usize) -> Result<Cell<'_>, String> {
        self.0.try_get(index).map_err(|error| error.to_string())
    }
}
