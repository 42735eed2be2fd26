package alchemesh.nifi;

import org.apache.nifi.components.PropertyDescriptor;
import org.apache.nifi.components.Validator;
import org.apache.nifi.expression.ExpressionLanguageScope;

/** Properties under the names that NiFi 1.18's own processors give them. */
final class Properties {

    private Properties() {
    }

    static PropertyDescriptor required(String name, String displayName) {
        return text(name, displayName).required(true).build();
    }

    static PropertyDescriptor.Builder text(String name, String displayName) {
        return new PropertyDescriptor.Builder()
            .name(name)
            .displayName(displayName)
            .description(displayName)
            .addValidator(Validator.VALID);
    }

    static PropertyDescriptor.Builder choice(String name, String displayName, String byDefault, String... values) {
        return new PropertyDescriptor.Builder()
            .name(name)
            .displayName(displayName)
            .description(displayName)
            .required(true)
            .allowableValues(values)
            .defaultValue(byDefault);
    }

    static PropertyDescriptor perFlowFile(String name, String displayName, String byDefault, boolean required) {
        return text(name, displayName)
            .required(required)
            .defaultValue(byDefault)
            .expressionLanguageSupported(ExpressionLanguageScope.FLOWFILE_ATTRIBUTES)
            .build();
    }
}
